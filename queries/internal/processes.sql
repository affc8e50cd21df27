-- question: which processes were there in these runs, and how much work did each do?
-- param run_ids: comma-separated runs
-- columns: run_id, pid, incarnation, name, command_line, is_main, samples, weight_ns
with chosen as (
    select unnest(string_split(nullif($run_ids::varchar, ''), ','))::uuid as run_id
), work as (
    select run_id, pid, incarnation, sum(exclusive_samples) as samples, sum(exclusive_ns) as weight_ns
    from module_weight
    where run_id in (select run_id from chosen)
    group by run_id, pid, incarnation
)
select
    process.run_id::varchar as run_id,
    process.pid,
    process.incarnation,
    process.name,
    process.command_line,
    process.pid = run.main_pid and process.incarnation = run.main_incarnation as is_main,
    coalesce(work.samples, process.samples, 0)::bigint as samples,
    coalesce(work.weight_ns, process.samples * run.interval_ns, 0)::bigint as weight_ns
from process
join run on run.run_id = process.run_id
left join work
    on work.run_id = process.run_id and work.pid = process.pid and work.incarnation = process.incarnation
where process.run_id in (select run_id from chosen)
order by process.run_id, coalesce(work.weight_ns, process.samples * run.interval_ns, 0) desc, process.pid, process.incarnation
