-- question: how did the cost of a function move from commit to commit?
-- param function: text that the name of the function contains, in any letter case
-- param module = NULL: only functions of this module
-- param example = NULL: only this example
-- param build = NULL: only this build kind
-- columns: example, module, function, commit_sha, committed_at, subject, runs, exclusive_ms, exclusive_sd_ms, inclusive_ms, exclusive_share, change_ms
with summary as (
    select run_summary.*, run.main_pid, run.main_incarnation
    from run_summary
    join run on run.run_id = run_summary.run_id
    where ($example is null or run_summary.example = $example::varchar)
        and ($build is null or run_summary.build = $build::varchar)
), item as (
    select function.function_id, module.name as module, function.name as function
    from function
    join module on module.module_id = function.module_id
    where contains(lower(function.name), lower($function::varchar))
        and ($module is null or lower(module.name) = lower($module::varchar))
), cost as (
    -- Every run counts, with 0 where the function has no sample: leaving it out would raise the mean.
    select
        summary.example,
        item.module, item.function,
        summary.commit_sha,
        any_value(summary.committed_at) as committed_at,
        coalesce(any_value(summary.committed_at), min(summary.recorded_at)) as place,
        -- Commits of one second, as a rebase makes them, come in the order in which they were profiled.
        min(summary.recorded_at) as first_recorded_at,
        count(*) as runs,
        avg(coalesce(weight.exclusive_ns, 0)) / 1e6 as exclusive_ms,
        stddev_samp(coalesce(weight.exclusive_ns, 0)) / 1e6 as exclusive_sd_ms,
        avg(coalesce(weight.inclusive_ns, 0)) / 1e6 as inclusive_ms,
        sum(coalesce(weight.exclusive_ns, 0))::double / 1e6 / nullif(sum(summary.cpu_ms), 0) as exclusive_share
    from summary
    cross join item
    left join function_weight as weight
        on weight.run_id = summary.run_id
        and weight.pid = summary.main_pid
        and weight.incarnation = summary.main_incarnation
        and weight.function_id = item.function_id
    group by summary.example, item.module, item.function, summary.commit_sha
)
select
    cost.example,
    cost.module,
    cost.function,
    cost.commit_sha,
    cost.committed_at,
    revision.subject,
    cost.runs,
    cost.exclusive_ms,
    cost.exclusive_sd_ms,
    cost.inclusive_ms,
    cost.exclusive_share,
    cost.exclusive_ms - lag(cost.exclusive_ms) over history as change_ms
from cost
left join revision on revision.commit_sha = cost.commit_sha
window history as (partition by cost.example, cost.module, cost.function order by cost.place, cost.first_recorded_at, cost.commit_sha)
-- Examples in which the function never shows up say nothing.
qualify max(cost.inclusive_ms) over (partition by cost.example, cost.module, cost.function) > 0
order by cost.example, cost.module, cost.function, cost.place, cost.first_recorded_at, cost.commit_sha
