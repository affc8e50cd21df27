-- question: which runs are there, with their work, their losses and their hottest module?
-- param commit_shas = NULL: comma-separated commits
-- param run_ids = NULL: comma-separated runs
-- param examples = NULL: examples, one a line
-- param build = NULL: the build kind
-- param limit = NULL: at most so many, the newest
-- columns: run_id, commit_sha, committed_at, tree_sha, subject, example, machine, cpu, cores, build, is_dirty, recorded_at, started_at, duration_ns, interval_ns, detail, sample_count, idle_count, lost_events, lost_buffers, unresolved_count, source_format, source_name, source_sha256, process, main_pid, main_incarnation, perfdb_version, samples, cpu_ns, wall_ms, unresolved_share, hottest_module, hottest_share, caveat_codes, caveat_texts, tag_keys, tag_values, measured
with chosen as (
    select run.*, example.name as example
    from run
    left join example on example.example_id = run.example_id
    where ($commit_shas is null or run.commit_sha in (select unnest(string_split($commit_shas::varchar, ','))))
        and ($run_ids is null or run.run_id in (select unnest(string_split(nullif($run_ids::varchar, ''), ','))::uuid))
        and ($examples is null or example.name in (select unnest(string_split($examples::varchar, chr(10)))))
        and ($build is null or run.build = $build::varchar)
    order by run.recorded_at desc, run.run_id desc
    limit coalesce($limit::bigint, 9223372036854775807)
), weight as (
    select
        module_weight.run_id,
        sum(module_weight.exclusive_ns) as cpu_ns,
        max_by(module.name, module_weight.exclusive_ns) as hottest_module,
        max(module_weight.exclusive_ns) as hottest_ns
    from module_weight
    join chosen
        on chosen.run_id = module_weight.run_id
        and chosen.main_pid = module_weight.pid
        and chosen.main_incarnation = module_weight.incarnation
    left join module on module.module_id = module_weight.module_id
    group by module_weight.run_id
), caveat as (
    select run_id, list(code order by position) as codes, list(text order by position) as texts
    from run_caveat
    group by run_id
), tag as (
    select run_id, list(key order by key) as keys, list(value order by key) as "values"
    from run_tag
    group by run_id
), metric as (
    select
        run_id,
        list(
            {
                'metric': metric,
                'unit': unit,
                'mean': mean,
                'median': median,
                'spread': spread,
                'repetitions': repetitions,
                'least': least,
                'most': most
            }
            order by metric, unit
        ) as measured
    from measurement_summary
    where run_id in (select run_id from chosen)
    group by run_id
)
select
    chosen.run_id::varchar as run_id,
    chosen.commit_sha,
    revision.committed_at,
    revision.tree_sha,
    revision.subject,
    chosen.example,
    coalesce(run_summary.machine, '') as machine,
    coalesce(machine.cpu, '') as cpu,
    coalesce(machine.cores, 0)::integer as cores,
    chosen.build,
    chosen.is_dirty,
    chosen.recorded_at,
    chosen.started_at,
    chosen.duration_ns,
    chosen.interval_ns,
    chosen.detail,
    chosen.sample_count,
    chosen.idle_count,
    chosen.lost_events,
    chosen.lost_buffers,
    chosen.unresolved_count,
    chosen.source_format,
    chosen.source_name,
    chosen.source_sha256,
    coalesce(run_summary.process, '') as process,
    chosen.main_pid,
    chosen.main_incarnation,
    chosen.perfdb_version,
    run_summary.samples,
    coalesce(weight.cpu_ns, 0)::bigint as cpu_ns,
    run_summary.wall_ms,
    run_summary.unresolved_share,
    weight.hottest_module,
    weight.hottest_ns::double / nullif(weight.cpu_ns, 0)::double as hottest_share,
    coalesce(caveat.codes, []) as caveat_codes,
    coalesce(caveat.texts, []) as caveat_texts,
    coalesce(tag.keys, []) as tag_keys,
    coalesce(tag."values", []) as tag_values,
    coalesce(metric.measured, []) as measured
from chosen
join run_summary on run_summary.run_id = chosen.run_id
left join machine on machine.machine_id = chosen.machine_id
left join revision on revision.commit_sha = chosen.commit_sha
left join weight on weight.run_id = chosen.run_id
left join caveat on caveat.run_id = chosen.run_id
left join tag on tag.run_id = chosen.run_id
left join metric on metric.run_id = chosen.run_id
order by chosen.recorded_at desc, chosen.run_id desc
