-- Runs of sources that tell sums instead of samples: run.detail is 'edges' (functions with their callers and callees) or 'leaf'
-- (only what was running). They have no rows in sample. What their source does not tell of inclusive weights is null.
alter table function_weight alter column inclusive_samples drop not null;
alter table function_weight alter column inclusive_ns drop not null;
alter table module_weight alter column inclusive_samples drop not null;
alter table module_weight alter column inclusive_ns drop not null;

-- What a process did by itself where the source tells that, but not which functions did it: all its functions are then those of
-- the process '<all processes>', whose pid is -1.
alter table process add column samples bigint;

-- Who called whom in runs of detail 'edges'. Every occurrence on a stack counts, so a recursive call may count more than once a
-- sample.
create table call (
    run_id uuid not null,
    pid bigint not null,
    incarnation integer not null,
    caller_id ubigint not null,
    callee_id ubigint not null,
    samples bigint not null,
    weight_ns bigint not null
);

-- One row a run, process, caller and callee; of runs of detail 'edges' only, for those of detail 'stacks' have stack_cost.
create view call_cost as
select
    call.run_id,
    run.commit_sha,
    revision.committed_at,
    example.name as example,
    process.name as process,
    caller_module.name as caller_module,
    caller.name as caller,
    callee_module.name as callee_module,
    callee.name as callee,
    call.samples,
    call.weight_ns::double / 1e6 as cpu_ms
from call
join run on run.run_id = call.run_id
left join revision on revision.commit_sha = run.commit_sha
left join example on example.example_id = run.example_id
left join process on process.run_id = call.run_id and process.pid = call.pid and process.incarnation = call.incarnation
left join function as caller on caller.function_id = call.caller_id
left join module as caller_module on caller_module.module_id = caller.module_id
left join function as callee on callee.function_id = call.callee_id
left join module as callee_module on callee_module.module_id = callee.module_id;
