-- question: who called whom in these runs, process by process?
-- param run_ids: comma-separated runs
-- columns: run_id, pid, incarnation, caller_module, caller, callee_module, callee, samples, weight_ns
select
    call.run_id::varchar as run_id,
    call.pid,
    call.incarnation,
    coalesce(caller_module.name, '') as caller_module,
    coalesce(caller.name, '') as caller,
    coalesce(callee_module.name, '') as callee_module,
    coalesce(callee.name, '') as callee,
    call.samples,
    call.weight_ns
from call
left join function as caller on caller.function_id = call.caller_id
left join module as caller_module on caller_module.module_id = caller.module_id
left join function as callee on callee.function_id = call.callee_id
left join module as callee_module on callee_module.module_id = callee.module_id
where call.run_id in (select unnest(string_split(nullif($run_ids::varchar, ''), ','))::uuid)
order by call.run_id, call.pid, call.incarnation, call.weight_ns desc, caller_module, caller, callee_module, callee
