-- The tables of a history. Words, units and ids are those of ARCHITECTURE.md.
--
-- Ids of modules, functions, stacks, examples and machines are 64-bit hashes of their content (perfdb.profile.identity), so two
-- histories merge without renumbering. run_id is a UUIDv7: it sorts by time, so the zone maps of DuckDB skip the runs that a
-- query does not ask for. There are no foreign keys, sequences or secondary indexes: a table that has an index cannot be altered
-- by a later migration, and loads are in bulk. `perfdb db check` looks for what a constraint would have refused.
--
-- Moments are TIMESTAMP in UTC (a TIMESTAMP WITH TIME ZONE cannot be fetched in Python without a time zone package).

create table revision (
    commit_sha varchar not null,
    committed_at timestamp,
    tree_sha varchar,
    parent_shas varchar[],
    subject varchar
);

create table example (
    example_id ubigint not null,
    name varchar not null
);

-- The computer that was profiled, not the one that recorded.
create table machine (
    machine_id ubigint not null,
    hostname varchar not null,
    os varchar not null,
    cpu varchar not null,
    cores integer not null
);

-- sample_count counts every sample of the trace, idle ones included; unresolved_count those of the main process whose leaf has
-- no symbol. The main process is (main_pid, main_incarnation).
create table run (
    run_id uuid not null,
    commit_sha varchar not null,
    example_id ubigint not null,
    machine_id ubigint not null,
    build varchar not null,
    is_dirty boolean not null,
    recorded_at timestamp not null,
    started_at timestamp,
    duration_ns bigint not null,
    interval_ns bigint not null,
    detail varchar not null,
    sample_count bigint not null,
    idle_count bigint not null,
    lost_events bigint not null,
    lost_buffers bigint not null,
    unresolved_count bigint not null,
    source_format varchar not null,
    source_name varchar not null,
    source_sha256 varchar not null,
    main_pid bigint not null,
    main_incarnation integer not null,
    perfdb_version varchar not null
);

create table run_tag (
    run_id uuid not null,
    key varchar not null,
    value varchar not null
);

create table run_caveat (
    run_id uuid not null,
    position integer not null,
    code varchar not null,
    text varchar not null
);

create table measurement (
    run_id uuid not null,
    metric varchar not null,
    unit varchar not null,
    value double not null
);

-- incarnation tells apart processes that bore one pid in turn: 0 is the first. Times are ns since the start of the trace, null
-- where the process was there before, or outlived it.
create table process (
    run_id uuid not null,
    pid bigint not null,
    incarnation integer not null,
    name varchar not null,
    command_line varchar not null,
    parent_pid bigint,
    started_ns bigint,
    ended_ns bigint
);

create table module (
    module_id ubigint not null,
    name varchar not null
);

create table function (
    function_id ubigint not null,
    module_id ubigint not null,
    name varchar not null
);

-- The prefix tree of call paths, shared by all runs: a row is its parent's path plus one function. The depth of a root is 1.
create table stack (
    stack_id ubigint not null,
    parent_stack_id ubigint,
    function_id ubigint not null,
    depth integer not null
);

create table run_module (
    run_id uuid not null,
    module_id ubigint not null,
    path varchar not null,
    debug_id varchar not null,
    pdb_name varchar not null
);

create table sample (
    run_id uuid not null,
    pid bigint not null,
    incarnation integer not null,
    tid bigint not null,
    stack_id ubigint not null,
    samples bigint not null,
    weight_ns bigint not null
);

-- Computed when a run is recorded. Inclusive counts an item once a sample, so the weights of a module cannot be derived from
-- those of its functions: both are kept.
create table function_weight (
    run_id uuid not null,
    pid bigint not null,
    incarnation integer not null,
    function_id ubigint not null,
    exclusive_samples bigint not null,
    inclusive_samples bigint not null,
    exclusive_ns bigint not null,
    inclusive_ns bigint not null
);

create table module_weight (
    run_id uuid not null,
    pid bigint not null,
    incarnation integer not null,
    module_id ubigint not null,
    exclusive_samples bigint not null,
    inclusive_samples bigint not null,
    exclusive_ns bigint not null,
    inclusive_ns bigint not null
);
