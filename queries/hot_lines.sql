-- question: which lines of source take the most time?
-- param commit (revision) = NULL: the commit; else the one that was recorded last
-- param example = NULL: only this example
-- param function = NULL: only functions whose name has this in it
-- param top = 20: how many lines of each example; 0 for all
-- columns: example, module, function, file, line, is_inlined, runs, exclusive_ms, inclusive_ms
with chosen as (
    select run.run_id, run.main_pid, run.main_incarnation, run.example_id
    from run
    where run.commit_sha = coalesce($commit::varchar, (select arg_max(commit_sha, (recorded_at, run_id)) from run))
        and run.detail = 'stacks'
), total as (
    -- The mean is over all runs of the example, also those in which the line does not show up.
    select example_id, count(*) as runs from chosen group by example_id
), cost as (
    select
        chosen.example_id,
        weight.function_id,
        weight.file_id,
        weight.line,
        weight.is_inlined,
        sum(weight.exclusive_ns)::double as exclusive_ns,
        sum(weight.inclusive_ns)::double as inclusive_ns
    from line_weight as weight
    join chosen
        on chosen.run_id = weight.run_id
        and chosen.main_pid = weight.pid
        and chosen.main_incarnation = weight.incarnation
    group by all
)
select
    example.name as example,
    module.name as module,
    function.name as function,
    source_file.path as file,
    cost.line,
    cost.is_inlined,
    total.runs,
    cost.exclusive_ns / total.runs / 1e6 as exclusive_ms,
    cost.inclusive_ns / total.runs / 1e6 as inclusive_ms
from cost
join total on total.example_id = cost.example_id
join example on example.example_id = cost.example_id
join function on function.function_id = cost.function_id
join module on module.module_id = function.module_id
join source_file on source_file.file_id = cost.file_id
where ($example is null or example.name = $example::varchar)
    and ($function is null or contains(lower(function.name), lower($function::varchar)))
qualify row_number() over (
    partition by cost.example_id
    order by cost.exclusive_ns desc, cost.inclusive_ns desc, module.name, function.name, source_file.path, cost.line
) <= coalesce(nullif($top::bigint, 0), 9223372036854775807)
order by example, exclusive_ms desc, inclusive_ms desc, module, function, file, line
