-- question: what did each module cost in these runs, process by process?
-- param run_ids: comma-separated runs
-- param main_only = false: whether to leave out all but the main process
-- columns: run_id, process, pid, incarnation, is_main, module, exclusive_ns, inclusive_ns, exclusive_samples, inclusive_samples
select
    weight.run_id::varchar as run_id,
    coalesce(process.name, '') as process,
    weight.pid,
    weight.incarnation,
    weight.pid = run.main_pid and weight.incarnation = run.main_incarnation as is_main,
    coalesce(module.name, '') as module,
    weight.exclusive_ns,
    weight.inclusive_ns,
    weight.exclusive_samples,
    weight.inclusive_samples
from module_weight as weight
join run on run.run_id = weight.run_id
left join process
    on process.run_id = weight.run_id and process.pid = weight.pid and process.incarnation = weight.incarnation
left join module on module.module_id = weight.module_id
where weight.run_id in (select unnest(string_split(nullif($run_ids::varchar, ''), ','))::uuid)
    and (not $main_only::boolean or (weight.pid = run.main_pid and weight.incarnation = run.main_incarnation))
order by weight.run_id, weight.exclusive_ns desc, weight.inclusive_ns desc, module.name, weight.pid, weight.incarnation
