-- question: which functions take time now and did not before?
-- param baseline (revision): the commit before
-- param contender (revision): the commit after
-- param example = NULL: only this example
-- param top = 50: how many functions of each example
-- columns: example, module, function, runs, exclusive_ms, inclusive_ms, exclusive_share, inclusive_share
with chosen as (
    select
        run.run_id,
        run.main_pid,
        run.main_incarnation,
        example.name as example,
        run.commit_sha = $contender::varchar as is_contender
    from run
    join example on example.example_id = run.example_id
    where run.commit_sha in ($baseline::varchar, $contender::varchar)
        and ($example is null or example.name = $example::varchar)
), shared as (
    -- An example that only one side has would make every function of it new.
    select example, count(*) filter (is_contender) as runs
    from chosen
    group by example
    having bool_or(is_contender) and bool_or(not is_contender)
), weight as (
    select chosen.example, chosen.is_contender, function_weight.*
    from function_weight
    join chosen
        on chosen.run_id = function_weight.run_id
        and chosen.main_pid = function_weight.pid
        and chosen.main_incarnation = function_weight.incarnation
), total as (
    select example, sum(exclusive_ns)::double as ns from weight where is_contender group by example
), cost as (
    select
        example,
        function_id,
        sum(exclusive_ns)::double as exclusive_ns,
        sum(inclusive_ns)::double as inclusive_ns
    from weight
    group by example, function_id
    having bool_and(is_contender)
)
select
    cost.example,
    module.name as module,
    function.name as function,
    shared.runs,
    cost.exclusive_ns / shared.runs / 1e6 as exclusive_ms,
    cost.inclusive_ns / shared.runs / 1e6 as inclusive_ms,
    cost.exclusive_ns / nullif(total.ns, 0) as exclusive_share,
    cost.inclusive_ns / nullif(total.ns, 0) as inclusive_share
from cost
join shared on shared.example = cost.example
join total on total.example = cost.example
join function on function.function_id = cost.function_id
join module on module.module_id = function.module_id
qualify row_number() over (
    partition by cost.example
    order by cost.exclusive_ns desc, cost.inclusive_ns desc, module.name, function.name
) <= coalesce(nullif($top::bigint, 0), 9223372036854775807)
order by cost.example, exclusive_ms desc, inclusive_ms desc, module, function
