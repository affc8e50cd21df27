-- question: which stacks were sampled in these runs, how often in which process, and what lies above them?
-- param run_ids: comma-separated runs
-- param main_only = false: whether to leave out all but the main process
-- columns: stack_id, parent_stack_id, depth, module, function, run_id, process, pid, samples
-- A row is a stack with what one process of one run did there; stacks that only lead to others have no run. The walk goes up
-- from the sampled stacks in steps of the whole set, which DuckDB 2.0 does not slow down as it does a correlated one.
with recursive chosen as (
    select unnest(string_split(nullif($run_ids::varchar, ''), ','))::uuid as run_id
), work as (
    select sample.run_id, sample.pid, sample.incarnation, sample.stack_id, sum(sample.samples)::bigint as samples
    from sample
    join run on run.run_id = sample.run_id
    where sample.run_id in (select run_id from chosen)
        and (not $main_only::boolean or (sample.pid = run.main_pid and sample.incarnation = run.main_incarnation))
    group by sample.run_id, sample.pid, sample.incarnation, sample.stack_id
), needed as (
    select stack_id
    from work
    union
    select stack.parent_stack_id as stack_id
    from needed
    join stack on stack.stack_id = needed.stack_id
    where stack.parent_stack_id is not null
)
select
    needed.stack_id,
    stack.parent_stack_id,
    stack.depth,
    module.name as module,
    function.name as function,
    work.run_id::varchar as run_id,
    coalesce(process.name, '') as process,
    work.pid,
    work.samples
from needed
left join stack on stack.stack_id = needed.stack_id
left join function on function.function_id = stack.function_id
left join module on module.module_id = function.module_id
left join work on work.stack_id = needed.stack_id
left join process
    on process.run_id = work.run_id and process.pid = work.pid and process.incarnation = work.incarnation
order by stack.depth, needed.stack_id, work.run_id, work.pid, work.incarnation
