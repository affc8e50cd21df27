-- question: of which modules do some of these runs have names, and others not?
-- param run_ids = NULL: the runs, separated by commas; else all
-- columns: example, module, named, bare
-- A run is bare of a module whose symbol file was not used, and of which some sample of the main process has a nameless frame.
with state as (
    select
        run.example_id,
        run_module.module_id,
        run_module.run_id,
        bool_or(run_module.symbols in ('full', 'public')) as is_named,
        bool_or(run_module.symbols not in ('full', 'public') and run_module.unresolved_inclusive_samples > 0) as is_bare
    from run_module
    join run on run.run_id = run_module.run_id
    where $run_ids is null or list_contains(string_split($run_ids::varchar, ','), run_module.run_id::varchar)
    group by run.example_id, run_module.module_id, run_module.run_id
)
select
    example.name as example,
    module.name as module,
    count(*) filter (state.is_named)::bigint as named,
    count(*) filter (state.is_bare and not state.is_named)::bigint as bare
from state
join example on example.example_id = state.example_id
join module on module.module_id = state.module_id
group by example.name, module.name
having named > 0 and bare > 0
order by example, module
