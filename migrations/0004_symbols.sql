-- Names for addresses. symbols says what came of looking for the module's symbol file: '' not looked for, 'full', 'public' (it has
-- only public symbols), 'absent', 'mismatch' (one of another build), 'unreadable'. The unresolved samples are those of the main
-- process that have a frame without a name in this module, at their leaf (exclusive) or anywhere (inclusive).
alter table run_module add column symbols varchar default '';
alter table run_module add column unresolved_exclusive_samples bigint default 0;
alter table run_module add column unresolved_inclusive_samples bigint default 0;

-- The run's addresses as they were read, so that they can be resolved (again) later: a profile in the format of
-- perfdb/profile/pack.py. Runs whose source tells no addresses have none.
create table run_profile (
    run_id uuid not null,
    content blob not null
);

-- The names of the run's own addresses, by symbol file: a symcache (perfdb/symbols/symcache.py), deflated. With them a run keeps its
-- names when others are added to it on a machine that does not have the file.
create table run_symbols (
    run_id uuid not null,
    debug_id varchar not null,
    content blob not null
);

-- What symbol files call a function where that is not its name: names that were made one (lambdas, numbered entities, folded
-- template arguments), and those of other functions whose identical code lies at the same address.
create table function_symbol (
    function_id ubigint not null,
    symbol varchar not null
);

create table source_file (
    file_id ubigint not null,
    path varchar not null
);

-- Weights by line of source, of frames whose line is known. is_inlined: the function's code was put into its caller there.
create table line_weight (
    run_id uuid not null,
    pid bigint not null,
    incarnation integer not null,
    function_id ubigint not null,
    is_inlined boolean not null,
    file_id ubigint not null,
    line bigint not null,
    exclusive_samples bigint not null,
    inclusive_samples bigint not null,
    exclusive_ns bigint not null,
    inclusive_ns bigint not null
);

-- One row a run, process, function and line of source, of frames whose line is known.
create view line_cost as
select
    weight.run_id,
    run.commit_sha,
    revision.committed_at,
    example.name as example,
    process.name as process,
    weight.pid = run.main_pid and weight.incarnation = run.main_incarnation as is_main_process,
    module.name as module,
    function.name as function,
    weight.is_inlined,
    source_file.path as file,
    weight.line,
    weight.exclusive_samples,
    weight.inclusive_samples,
    weight.exclusive_ns::double / 1e6 as exclusive_ms,
    weight.inclusive_ns::double / 1e6 as inclusive_ms
from line_weight as weight
join run on run.run_id = weight.run_id
left join revision on revision.commit_sha = run.commit_sha
left join example on example.example_id = run.example_id
left join process
    on process.run_id = weight.run_id and process.pid = weight.pid and process.incarnation = weight.incarnation
left join function on function.function_id = weight.function_id
left join module on module.module_id = function.module_id
left join source_file on source_file.file_id = weight.file_id;
