-- question: what are the functions called that were on any stack of these runs?
-- param run_ids: comma-separated runs
-- columns: function_id, module, function
select function.function_id, coalesce(module.name, '') as module, function.name as function
from function
left join module on module.module_id = function.module_id
where function.function_id in (
    select function_id
    from function_weight
    where run_id in (select unnest(string_split(nullif($run_ids::varchar, ''), ','))::uuid)
)
