-- question: which symbol files are wanted, and how much has no name without them?
-- param commit (revision) = NULL: only runs of this commit; else of the whole history
-- columns: module, pdb_name, debug_id, symbols, runs, exclusive_samples, inclusive_samples
select
    any_value(module.name) as module,
    max(run_module.pdb_name) as pdb_name,
    run_module.debug_id,
    coalesce(nullif(arg_max(run_module.symbols, run_module.run_id), ''), 'not looked for') as symbols,
    count(distinct run_module.run_id)::bigint as runs,
    sum(run_module.unresolved_exclusive_samples)::bigint as exclusive_samples,
    sum(run_module.unresolved_inclusive_samples)::bigint as inclusive_samples
from run_module
join module on module.module_id = run_module.module_id
join run on run.run_id = run_module.run_id
where run_module.debug_id != ''
    and run_module.symbols != 'full'
    and run_module.unresolved_inclusive_samples > 0
    and ($commit is null or run.commit_sha = $commit::varchar)
group by run_module.module_id, run_module.debug_id
order by exclusive_samples desc, inclusive_samples desc, module, run_module.debug_id
