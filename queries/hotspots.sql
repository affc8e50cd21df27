-- question: which functions take the most time?
-- param commit (revision) = NULL: the commit; else the one that was recorded last
-- param example = NULL: only this example
-- param process = NULL: the processes of this name; else the main process of each run
-- param top = 20: how many functions of each example; 0 for all
-- columns: example, process, module, function, runs, exclusive_ms, inclusive_ms, exclusive_share, inclusive_share
with chosen as (
    select run.run_id, run.main_pid, run.main_incarnation, example.name as example
    from run
    join example on example.example_id = run.example_id
    where run.commit_sha = coalesce($commit::varchar, (select arg_max(commit_sha, (recorded_at, run_id)) from run))
        and ($example is null or example.name = $example::varchar)
), subject as (
    select chosen.run_id, chosen.example, process.pid, process.incarnation, process.name as process
    from chosen
    join process on process.run_id = chosen.run_id
    where case
        when $process is null then process.pid = chosen.main_pid and process.incarnation = chosen.main_incarnation
        else lower(process.name) in (lower($process::varchar), lower($process::varchar) || '.exe')
    end
), weight as (
    select subject.example, subject.process, function_weight.*
    from function_weight
    join subject
        on subject.run_id = function_weight.run_id
        and subject.pid = function_weight.pid
        and subject.incarnation = function_weight.incarnation
), total as (
    -- The mean is over the runs that have the process, also those in which the function does not show up.
    select subject.example, subject.process, count(distinct subject.run_id) as runs, any_value(work.ns) as ns
    from subject
    left join (
        select example, process, sum(exclusive_ns)::double as ns from weight group by example, process
    ) as work on work.example = subject.example and work.process = subject.process
    group by subject.example, subject.process
), cost as (
    select
        example,
        process,
        function_id,
        sum(exclusive_ns)::double as exclusive_ns,
        sum(inclusive_ns)::double as inclusive_ns
    from weight
    group by example, process, function_id
)
select
    cost.example,
    cost.process,
    module.name as module,
    function.name as function,
    total.runs,
    cost.exclusive_ns / total.runs / 1e6 as exclusive_ms,
    cost.inclusive_ns / total.runs / 1e6 as inclusive_ms,
    cost.exclusive_ns / nullif(total.ns, 0) as exclusive_share,
    cost.inclusive_ns / nullif(total.ns, 0) as inclusive_share
from cost
join total on total.example = cost.example and total.process = cost.process
join function on function.function_id = cost.function_id
join module on module.module_id = function.module_id
qualify row_number() over (
    partition by cost.example
    order by cost.exclusive_ns / total.runs desc, cost.inclusive_ns desc, module.name, function.name
) <= coalesce(nullif($top::bigint, 0), 9223372036854775807)
order by cost.example, exclusive_ms desc, inclusive_ms desc, module, function
