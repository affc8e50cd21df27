-- question: how often was each stack sampled in these runs?
-- param run_ids: comma-separated runs, or parts of runs as run_id/pid/incarnation
-- columns: part, stack_id, samples, weight_ns
-- part is the place in run_ids, from 0. Threads are not added up here: DuckDB takes eight times as long to group millions
-- of rows as to hand them over. Whole runs and parts are joined one after the other, since a join "or" would hold every
-- sample against every part of its run.
with chosen as (
    select
        split_part(part, '/', 1)::uuid as run_id,
        try_cast(split_part(part, '/', 2) as bigint) as pid,
        try_cast(split_part(part, '/', 3) as integer) as incarnation,
        place - 1 as part
    from (
        select unnest(parts) as part, generate_subscripts(parts, 1) as place
        from (select string_split(nullif($run_ids::varchar, ''), ',') as parts)
    )
)
select chosen.part, sample.stack_id, sample.samples, sample.weight_ns
from sample
join chosen on chosen.run_id = sample.run_id
where chosen.pid is null
union all
select chosen.part, sample.stack_id, sample.samples, sample.weight_ns
from sample
join chosen on chosen.run_id = sample.run_id and chosen.pid = sample.pid and chosen.incarnation = sample.incarnation
