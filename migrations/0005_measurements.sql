-- Repetitions of measurements, and runs of detail 'measured': values of metrics only, as benchmark programs tell them.

-- Counts from 0; times are in ms, memory is in bytes, whatever the source has them in.
alter table measurement add column repetition integer default 0;

-- One row a run and metric, its repetitions together. spread is their sample standard deviation, null for one.
create view measurement_summary as
select
    measurement.run_id,
    run.commit_sha,
    revision.committed_at,
    example.name as example,
    machine.hostname as machine,
    run.build,
    measurement.metric,
    measurement.unit,
    count(*) as repetitions,
    avg(measurement.value) as mean,
    median(measurement.value) as median,
    min(measurement.value) as least,
    max(measurement.value) as most,
    stddev_samp(measurement.value) as spread
from measurement
join run on run.run_id = measurement.run_id
left join revision on revision.commit_sha = run.commit_sha
left join example on example.example_id = run.example_id
left join machine on machine.machine_id = run.machine_id
group by all;

-- As in 0002, but that wall_ms is the mean of the repetitions, and cpu_ms and wall_ms are null where a run of detail 'measured' does
-- not tell them. cpu_ms of such a run is its cpu_time, else its user_time and kernel_time together.
create or replace view run_summary as
with work as (
    select run_id, pid, incarnation, sum(exclusive_samples) as samples, sum(exclusive_ns) as work_ns
    from module_weight
    group by run_id, pid, incarnation
), time as (
    select
        run_id,
        avg(value) filter (metric = 'wall_time') as wall_ms,
        coalesce(
            avg(value) filter (metric = 'cpu_time'),
            avg(value) filter (metric = 'user_time') + avg(value) filter (metric = 'kernel_time')
        ) as cpu_ms
    from measurement
    where metric in ('wall_time', 'cpu_time', 'user_time', 'kernel_time') and unit = 'ms'
    group by run_id
)
select
    run.run_id,
    run.commit_sha,
    revision.committed_at,
    example.name as example,
    machine.hostname as machine,
    run.build,
    process.name as process,
    run.recorded_at,
    coalesce(work.samples, 0)::bigint as samples,
    case when run.detail = 'measured' then time.cpu_ms else coalesce(work.work_ns, 0)::double / 1e6 end as cpu_ms,
    case
        when time.wall_ms is not null or run.detail = 'measured' then time.wall_ms
        else (coalesce(process.ended_ns, run.duration_ns) - coalesce(process.started_ns, 0))::double / 1e6
    end as wall_ms,
    run.lost_events,
    run.unresolved_count::double / nullif(work.samples, 0)::double as unresolved_share
from run
left join revision on revision.commit_sha = run.commit_sha
left join example on example.example_id = run.example_id
left join machine on machine.machine_id = run.machine_id
left join process
    on process.run_id = run.run_id and process.pid = run.main_pid and process.incarnation = run.main_incarnation
left join work on work.run_id = run.run_id and work.pid = run.main_pid and work.incarnation = run.main_incarnation
left join time on time.run_id = run.run_id;
