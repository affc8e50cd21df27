-- question: which runs lost events or were only partly readable, and so count too little?
-- param commit (revision) = NULL: only this commit
-- param example = NULL: only this example
-- columns: run_id, commit_sha, example, recorded_at, source_name, sample_count, lost_events, lost_buffers, caveats
with caveat as (
    select run_id, string_agg(text, '; ' order by position) as texts
    from run_caveat
    group by run_id
)
select
    run.run_id,
    run.commit_sha,
    example.name as example,
    run.recorded_at,
    run.source_name,
    run.sample_count,
    run.lost_events,
    run.lost_buffers,
    coalesce(caveat.texts, '') as caveats
from run
left join example on example.example_id = run.example_id
left join caveat on caveat.run_id = run.run_id
where (run.lost_events > 0 or run.lost_buffers > 0 or caveat.texts is not null)
    and ($commit is null or run.commit_sha = $commit::varchar)
    and ($example is null or example.name = $example::varchar)
order by run.recorded_at desc, run.run_id desc
