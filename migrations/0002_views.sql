-- The views that people query. Their names, columns and order of columns change only with a note in the changelog.

-- One row a run. samples and cpu_ms are the main process's own work; wall_ms is what was measured (metric 'wall_time'), else how
-- long the main process lived inside the trace.
create view run_summary as
with work as (
    select run_id, pid, incarnation, sum(exclusive_samples) as samples, sum(exclusive_ns) as work_ns
    from module_weight
    group by run_id, pid, incarnation
), wall as (
    select run_id, max(value) as wall_ms
    from measurement
    where metric = 'wall_time' and unit = 'ms'
    group by run_id
)
select
    run.run_id,
    run.commit_sha,
    revision.committed_at,
    example.name as example,
    machine.hostname as machine,
    run.build,
    process.name as process,
    run.recorded_at,
    coalesce(work.samples, 0)::bigint as samples,
    coalesce(work.work_ns, 0)::double / 1e6 as cpu_ms,
    coalesce(
        wall.wall_ms,
        (coalesce(process.ended_ns, run.duration_ns) - coalesce(process.started_ns, 0))::double / 1e6
    ) as wall_ms,
    run.lost_events,
    run.unresolved_count::double / nullif(work.samples, 0)::double as unresolved_share
from run
left join revision on revision.commit_sha = run.commit_sha
left join example on example.example_id = run.example_id
left join machine on machine.machine_id = run.machine_id
left join process
    on process.run_id = run.run_id and process.pid = run.main_pid and process.incarnation = run.main_incarnation
left join work on work.run_id = run.run_id and work.pid = run.main_pid and work.incarnation = run.main_incarnation
left join wall on wall.run_id = run.run_id;

-- One row a run, process and module. Shares are of the process's own work.
create view module_cost as
with weight as (
    select
        *,
        sum(exclusive_ns) over (partition by run_id, pid, incarnation)::double as process_ns
    from module_weight
)
select
    weight.run_id,
    run.commit_sha,
    revision.committed_at,
    example.name as example,
    process.name as process,
    weight.pid = run.main_pid and weight.incarnation = run.main_incarnation as is_main_process,
    module.name as module,
    weight.exclusive_samples,
    weight.inclusive_samples,
    weight.exclusive_ns::double / 1e6 as exclusive_ms,
    weight.inclusive_ns::double / 1e6 as inclusive_ms,
    weight.exclusive_ns::double / nullif(weight.process_ns, 0) as exclusive_share,
    weight.inclusive_ns::double / nullif(weight.process_ns, 0) as inclusive_share
from weight
join run on run.run_id = weight.run_id
left join revision on revision.commit_sha = run.commit_sha
left join example on example.example_id = run.example_id
left join process
    on process.run_id = weight.run_id and process.pid = weight.pid and process.incarnation = weight.incarnation
left join module on module.module_id = weight.module_id;

-- One row a run, process and function. Shares are of the process's own work.
create view function_cost as
with weight as (
    select
        *,
        sum(exclusive_ns) over (partition by run_id, pid, incarnation)::double as process_ns
    from function_weight
)
select
    weight.run_id,
    run.commit_sha,
    revision.committed_at,
    example.name as example,
    process.name as process,
    weight.pid = run.main_pid and weight.incarnation = run.main_incarnation as is_main_process,
    module.name as module,
    function.name as function,
    weight.exclusive_samples,
    weight.inclusive_samples,
    weight.exclusive_ns::double / 1e6 as exclusive_ms,
    weight.inclusive_ns::double / 1e6 as inclusive_ms,
    weight.exclusive_ns::double / nullif(weight.process_ns, 0) as exclusive_share,
    weight.inclusive_ns::double / nullif(weight.process_ns, 0) as inclusive_share
from weight
join run on run.run_id = weight.run_id
left join revision on revision.commit_sha = run.commit_sha
left join example on example.example_id = run.example_id
left join process
    on process.run_id = weight.run_id and process.pid = weight.pid and process.incarnation = weight.incarnation
left join function on function.function_id = weight.function_id
left join module on module.module_id = function.module_id;

-- One row a run, process and stack, threads added up; the stack is written root first, as flame graphs take it. Paths are spelled
-- from the roots down, one join a level, for the whole prefix tree: a correlated walk up from the stacks of one run, which looks
-- better, takes DuckDB 2.0 thirty times as long, because it does not put a filter on run_id below the walk.
create view stack_cost as
with recursive node as materialized (
    select stack.stack_id, stack.parent_stack_id, module.name || '!' || function.name as text
    from stack
    join function on function.function_id = stack.function_id
    join module on module.module_id = function.module_id
), path as (
    select stack_id, text
    from node
    where parent_stack_id is null
    union all
    select node.stack_id, path.text || ';' || node.text
    from path
    join node on node.parent_stack_id = path.stack_id
), weight as (
    select run_id, pid, incarnation, stack_id, sum(samples)::bigint as samples, sum(weight_ns)::bigint as weight_ns
    from sample
    group by run_id, pid, incarnation, stack_id
)
select
    weight.run_id,
    run.commit_sha,
    example.name as example,
    process.name as process,
    path.text as stack,
    weight.samples,
    weight.weight_ns::double / 1e6 as cpu_ms
from weight
join run on run.run_id = weight.run_id
left join example on example.example_id = run.example_id
left join process
    on process.run_id = weight.run_id and process.pid = weight.pid and process.incarnation = weight.incarnation
left join path on path.stack_id = weight.stack_id;
