-- question: how did a metric, such as wall_time or peak_memory, move from commit to commit?
-- param metric = wall_time: the metric
-- param example = NULL: only this example
-- param build = NULL: only this build kind
-- param limit = NULL: only so many commits of each example, the latest
-- columns: example, metric, committed_at, median, unit, change, runs, repetitions, median_sd, least, most, commit_sha, subject
with cost as (
    -- A run counts once, with the median of its repetitions, however many it has.
    select
        summary.example,
        summary.metric,
        summary.unit,
        summary.commit_sha,
        any_value(summary.committed_at) as committed_at,
        coalesce(any_value(summary.committed_at), min(run.recorded_at)) as place,
        -- Commits of one second, as a rebase makes them, come in the order in which they were measured.
        min(run.recorded_at) as first_recorded_at,
        count(*) as runs,
        sum(summary.repetitions)::bigint as repetitions,
        avg(summary.median) as median,
        stddev_samp(summary.median) as median_sd,
        min(summary.least) as least,
        max(summary.most) as most
    from measurement_summary as summary
    join run on run.run_id = summary.run_id
    where summary.metric = $metric::varchar
        and ($example is null or summary.example = $example::varchar)
        and ($build is null or summary.build = $build::varchar)
    group by summary.example, summary.metric, summary.unit, summary.commit_sha
), trend as (
    select
        cost.*,
        cost.median / nullif(lag(cost.median) over history, 0) - 1 as change,
        row_number() over history as number,
        count(*) over (partition by cost.example, cost.unit) as commits
    from cost
    window history as (partition by cost.example, cost.unit order by cost.place, cost.first_recorded_at, cost.commit_sha)
)
select
    trend.example,
    trend.metric,
    trend.committed_at,
    trend.median,
    trend.unit,
    trend.change,
    trend.runs,
    trend.repetitions,
    trend.median_sd,
    trend.least,
    trend.most,
    trend.commit_sha,
    revision.subject
from trend
left join revision on revision.commit_sha = trend.commit_sha
where $limit is null or trend.number > trend.commits - $limit::bigint
order by trend.example, trend.unit, trend.number
