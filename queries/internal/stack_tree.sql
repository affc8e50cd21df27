-- question: which stacks were sampled in these runs, and which lie above them?
-- param run_ids: comma-separated runs, or parts of runs as run_id/pid/incarnation
-- columns: stack_id, parent_stack_id, function_id, depth
-- The walk goes up from the sampled stacks in steps of the whole set, which DuckDB 2.0 does not slow down as it does a
-- correlated one, and carries the rows along, so that they need not be looked up again. A sampled stack that has no row
-- of its own is missing here. Whole runs and parts are joined one after the other, as in stack_samples.
with recursive chosen as (
    select
        split_part(part, '/', 1)::uuid as run_id,
        try_cast(split_part(part, '/', 2) as bigint) as pid,
        try_cast(split_part(part, '/', 3) as integer) as incarnation
    from (select unnest(string_split(nullif($run_ids::varchar, ''), ',')) as part)
), needed as (
    select stack_id, parent_stack_id, function_id, depth
    from stack
    where stack_id in (
        select sample.stack_id
        from sample
        join chosen on chosen.run_id = sample.run_id
        where chosen.pid is null
        union all
        select sample.stack_id
        from sample
        join chosen
            on chosen.run_id = sample.run_id and chosen.pid = sample.pid and chosen.incarnation = sample.incarnation
    )
    union
    select stack.stack_id, stack.parent_stack_id, stack.function_id, stack.depth
    from needed
    join stack on stack.stack_id = needed.parent_stack_id
)
select stack_id, parent_stack_id, function_id, depth
from needed
