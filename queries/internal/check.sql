-- question: what does not hold together?
-- columns: problem, number, instance
with duplicate as (
    select 'commits that are there twice' as problem, commit_sha as instance from revision group by all having count(*) > 1
    union all
    select 'examples that are there twice', example_id::varchar from example group by example_id having count(*) > 1
    union all
    select 'machines that are there twice', machine_id::varchar from machine group by machine_id having count(*) > 1
    union all
    select 'modules that are there twice', module_id::varchar from module group by module_id having count(*) > 1
    union all
    select 'functions that are there twice', function_id::varchar from function group by function_id having count(*) > 1
    union all
    select 'stacks that are there twice', stack_id::varchar from stack group by stack_id having count(*) > 1
    union all
    select 'runs that are there twice', run_id::varchar from run group by run_id having count(*) > 1
    union all
    select 'source files that are there twice', file_id::varchar from source_file group by file_id having count(*) > 1
    union all
    select 'symbol names that are there twice', function_id::varchar
    from function_symbol
    group by function_id, symbol
    having count(*) > 1
    union all
    select 'kept addresses that are there twice', run_id::varchar from run_profile group by run_id having count(*) > 1
    union all
    select 'kept names that are there twice', run_id::varchar
    from run_symbols
    group by run_id, debug_id
    having count(*) > 1
    union all
    select 'processes that are there twice in a run', run_id::varchar
    from process
    group by run_id, pid, incarnation
    having count(*) > 1
    union all
    select 'measurements that are there twice in a run', run_id::varchar
    from measurement
    group by run_id, metric, unit, repetition
    having count(*) > 1
), dangling as (
    select 'runs of a commit that is not there' as problem, run_id::varchar as instance
    from run
    where commit_sha not in (select commit_sha from revision)
    union all
    select 'runs of an example that is not there', run_id::varchar
    from run
    where example_id not in (select example_id from example)
    union all
    select 'runs of a machine that is not there', run_id::varchar
    from run
    where machine_id not in (select machine_id from machine)
    union all
    select 'runs whose main process is not there', run_id::varchar
    from run
    where not exists (
        select 1
        from process
        where process.run_id = run.run_id and process.pid = run.main_pid and process.incarnation = run.main_incarnation
    )
    union all
    select 'functions of a module that is not there', function_id::varchar
    from function
    where module_id not in (select module_id from module)
    union all
    select 'stacks of a function that is not there', stack_id::varchar
    from stack
    where function_id not in (select function_id from function)
    union all
    select 'stacks whose parent is not there, or not one level above', child.stack_id::varchar
    from stack as child
    left join stack as parent on parent.stack_id = child.parent_stack_id
    where child.depth != coalesce(parent.depth, 0) + 1 or (child.parent_stack_id is null) != (child.depth = 1)
    union all
    select 'samples of a stack that is not there', run_id::varchar
    from sample
    where stack_id not in (select stack_id from stack)
    union all
    select 'weights of a function that is not there', run_id::varchar
    from function_weight
    where function_id not in (select function_id from function)
    union all
    select 'weights of a module that is not there', run_id::varchar
    from module_weight
    where module_id not in (select module_id from module)
    union all
    select 'weights of a line whose function or file is not there', run_id::varchar
    from line_weight
    where function_id not in (select function_id from function) or file_id not in (select file_id from source_file)
    union all
    select 'symbol names of a function that is not there', function_id::varchar
    from function_symbol
    where function_id not in (select function_id from function)
    union all
    select 'calls of a function that is not there', run_id::varchar
    from call
    where caller_id not in (select function_id from function) or callee_id not in (select function_id from function)
    union all
    select 'loaded modules that are not there', run_id::varchar
    from run_module
    where module_id not in (select module_id from module)
    union all
    select 'rows of table ' || name || ' of a run that is not there', run_id::varchar
    from (
        select 'run_tag' as name, run_id from run_tag
        union all
        select 'run_caveat', run_id from run_caveat
        union all
        select 'measurement', run_id from measurement
        union all
        select 'process', run_id from process
        union all
        select 'run_module', run_id from run_module
        union all
        select 'sample', run_id from sample
        union all
        select 'function_weight', run_id from function_weight
        union all
        select 'module_weight', run_id from module_weight
        union all
        select 'line_weight', run_id from line_weight
        union all
        select 'run_profile', run_id from run_profile
        union all
        select 'run_symbols', run_id from run_symbols
        union all
        select 'call', run_id from call
    )
    where run_id not in (select run_id from run)
), summed as (
    -- runs that have no samples: their functions must come to what their modules come to
    select run_id from run where detail != 'stacks'
), work as (
    select run_id, pid, incarnation, sum(samples) as samples, sum(weight_ns) as weight_ns
    from sample
    group by run_id, pid, incarnation
    union all
    select run_id, pid, incarnation, sum(exclusive_samples), sum(exclusive_ns)
    from module_weight
    where run_id in (select run_id from summed)
    group by run_id, pid, incarnation
), by_item as (
    select 'functions' as items, run_id, pid, incarnation, exclusive_samples, exclusive_ns, inclusive_samples, inclusive_ns
    from function_weight
    union all
    select 'modules', run_id, pid, incarnation, exclusive_samples, exclusive_ns, inclusive_samples, inclusive_ns
    from module_weight
), item_sum as (
    select
        items,
        run_id,
        pid,
        incarnation,
        sum(exclusive_samples) as samples,
        sum(exclusive_ns) as weight_ns,
        max(inclusive_ns) as most_inclusive_ns,
        bool_and(inclusive_ns >= exclusive_ns and inclusive_samples >= exclusive_samples) as inclusive_holds_exclusive
    from by_item
    group by items, run_id, pid, incarnation
), expected as (
    select items, work.* from work, (values ('functions'), ('modules')) as kind (items)
), unbalanced as (
    select
        'processes whose samples do not add up to their ' || coalesce(expected.items, item_sum.items) as problem,
        'process ' || coalesce(work_pid, item_pid) || ' of run ' || coalesce(work_run, item_run) as instance
    from (
        select *, run_id::varchar as work_run, pid::varchar as work_pid from expected
    ) as expected
    full join (
        select *, run_id::varchar as item_run, pid::varchar as item_pid from item_sum
    ) as item_sum
        on item_sum.items = expected.items
        and item_sum.run_id = expected.run_id
        and item_sum.pid = expected.pid
        and item_sum.incarnation = expected.incarnation
    where item_sum.samples is distinct from expected.samples
        or item_sum.weight_ns is distinct from expected.weight_ns
        or item_sum.most_inclusive_ns > expected.weight_ns
        or not item_sum.inclusive_holds_exclusive
), overcounted as (
    select 'runs whose samples are not those of their trace' as problem, run.run_id::varchar as instance
    from run
    left join (select run_id, sum(samples) as samples from work group by run_id) as total on total.run_id = run.run_id
    where run.sample_count != run.idle_count + coalesce(total.samples, 0)
        or (run.detail = 'measured' and (run.sample_count > 0 or total.samples is not null))
), overlined as (
    -- the lines of a function cannot do more by themselves than the function does
    select 'functions whose lines do more than they do' as problem, line.run_id::varchar as instance
    from (
        select run_id, pid, incarnation, function_id, sum(exclusive_ns) as exclusive_ns
        from line_weight
        group by run_id, pid, incarnation, function_id
    ) as line
    left join function_weight as whole
        on whole.run_id = line.run_id
        and whole.pid = line.pid
        and whole.incarnation = line.incarnation
        and whole.function_id = line.function_id
    where line.exclusive_ns > coalesce(whole.exclusive_ns, 0)
), found as (
    select problem, instance from duplicate
    union all
    select problem, instance from dangling
    union all
    select problem, instance from unbalanced
    union all
    select problem, instance from overcounted
    union all
    select problem, instance from overlined
)
select problem, count(*) as number, min(instance) as instance
from found
group by problem
order by problem
