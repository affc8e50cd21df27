-- question: what was recorded for each commit, and how much CPU time did it take?
-- param example = NULL: only this example
-- param build = NULL: only this build kind
-- param top = 50: how many lines, the newest commits first
-- columns: commit_sha, committed_at, subject, example, runs, mean_cpu_ms, min_cpu_ms, max_cpu_ms, mean_wall_ms, lost_events, last_recorded_at
select
    run_summary.commit_sha,
    any_value(run_summary.committed_at) as committed_at,
    any_value(revision.subject) as subject,
    run_summary.example,
    count(*) as runs,
    avg(run_summary.cpu_ms) as mean_cpu_ms,
    min(run_summary.cpu_ms) as min_cpu_ms,
    max(run_summary.cpu_ms) as max_cpu_ms,
    avg(run_summary.wall_ms) as mean_wall_ms,
    sum(run_summary.lost_events)::bigint as lost_events,
    max(run_summary.recorded_at) as last_recorded_at
from run_summary
left join revision on revision.commit_sha = run_summary.commit_sha
where ($example is null or run_summary.example = $example::varchar)
    and ($build is null or run_summary.build = $build::varchar)
group by run_summary.commit_sha, run_summary.example
order by
    coalesce(any_value(run_summary.committed_at), max(run_summary.recorded_at)) desc,
    min(min(run_summary.recorded_at)) over (partition by run_summary.commit_sha) desc,
    commit_sha,
    example
limit $top::bigint
