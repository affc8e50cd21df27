-- question: which commits have runs, newest first?
-- columns: commit_sha, tree_sha, committed_at, subject, runs, last_recorded_at
select
    run.commit_sha,
    any_value(revision.tree_sha) as tree_sha,
    any_value(revision.committed_at) as committed_at,
    any_value(revision.subject) as subject,
    count(*) as runs,
    max(run.recorded_at) as last_recorded_at
from run
left join revision on revision.commit_sha = run.commit_sha
group by run.commit_sha
order by coalesce(any_value(revision.committed_at), max(run.recorded_at)) desc, max(run.recorded_at) desc, run.commit_sha
