-- The store, version 1. Times are seconds since the trace's start; money is US dollars.
-- `*_no` are small internal keys (they prune row groups well); `*_id` are the public names.

CREATE TABLE IF NOT EXISTS meta (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);

CREATE SEQUENCE IF NOT EXISTS trace_numbers;
CREATE SEQUENCE IF NOT EXISTS run_numbers;

CREATE TABLE IF NOT EXISTS traces (
    trace_no     INTEGER PRIMARY KEY DEFAULT nextval('trace_numbers'),
    trace_id     VARCHAR NOT NULL UNIQUE,  -- first 12 hex digits of content_hash
    content_hash VARCHAR NOT NULL,         -- of the canonical rows, not of the file's bytes
    name         VARCHAR NOT NULL UNIQUE,
    kind         VARCHAR NOT NULL,         -- requests | sessions | series | carbon | prices
    format       VARCHAR NOT NULL,         -- reader that understood the file, or 'synth'
    source       VARCHAR NOT NULL,         -- file name as given, never a full path
    unit         VARCHAR,                  -- of series values: requests, cpu_percent, mhz, ...
    interval_s   DOUBLE,                   -- of series and carbon; NULL where irregular
    epoch_s      DOUBLE,                   -- Unix time of t = 0; NULL if only relative time is known
    duration_s   DOUBLE NOT NULL,
    row_count    BIGINT NOT NULL,
    imported_at  TIMESTAMP NOT NULL,
    recipe       JSON,                     -- how it was made: generator or sampler and its seed
    report       JSON NOT NULL,            -- the check report: list of findings
    profile      JSON NOT NULL             -- rate, peak/mean, dispersion, tokens, ...
);

-- kind requests and sessions. seq = 0.. in order of arrival_s. A row with after_seq arrives
-- think_s after request after_seq ends (closed loop); its arrival_s is the recorded one.
CREATE TABLE IF NOT EXISTS requests (
    trace_no      INTEGER NOT NULL,
    seq           INTEGER NOT NULL,
    arrival_s     DOUBLE NOT NULL,
    input_tokens  INTEGER,
    output_tokens INTEGER,
    service_s     DOUBLE,   -- given directly; NULL: computed from tokens or drawn
    agent_type    VARCHAR,  -- model or kind of worker asked for
    tenant        VARCHAR,
    session       INTEGER,  -- number of the session or NULL
    after_seq     INTEGER,
    think_s       DOUBLE,
    prefix_tokens INTEGER   -- leading input tokens shared with the request before it
);

-- kind series. entity is '' for a single series, else the VM or machine.
CREATE TABLE IF NOT EXISTS series (
    trace_no INTEGER NOT NULL,
    entity   VARCHAR NOT NULL,
    t_s      DOUBLE NOT NULL,   -- start of the interval
    value    DOUBLE NOT NULL,
    imputed  BOOLEAN NOT NULL   -- filled by linear interpolation on import
);

-- What a series file says by interval besides its value, over all entities: features of the
-- forecasters' registry, by name and in its units. No row: the file does not say.
CREATE TABLE IF NOT EXISTS series_features (
    trace_no INTEGER NOT NULL,
    feature  VARCHAR NOT NULL,
    t_s      DOUBLE NOT NULL,   -- start of the interval
    value    DOUBLE NOT NULL
);

CREATE TABLE IF NOT EXISTS carbon (
    trace_no  INTEGER NOT NULL,
    region    VARCHAR NOT NULL,
    t_s       DOUBLE NOT NULL,
    g_per_kwh DOUBLE NOT NULL,  -- g CO2e per kWh
    imputed   BOOLEAN NOT NULL
);

CREATE TABLE IF NOT EXISTS prices (
    trace_no          INTEGER NOT NULL,
    machine_type      VARCHAR NOT NULL,
    region            VARCHAR NOT NULL,
    t_s               DOUBLE,   -- from when the price holds; NULL: always
    vcpu              DOUBLE,
    ram_gb            DOUBLE,
    gpu_type          VARCHAR,
    gpu_count         INTEGER,
    usd_per_hour      DOUBLE,
    usd_per_hour_spot DOUBLE,
    usd_per_month_1y  DOUBLE,
    usd_per_month_3y  DOUBLE
);

CREATE TABLE IF NOT EXISTS runs (
    run_no        INTEGER PRIMARY KEY DEFAULT nextval('run_numbers'),
    run_id        VARCHAR NOT NULL UNIQUE, -- hash of trace, window, scenario, policy, code version
    trace_id      VARCHAR NOT NULL,
    trace_name    VARCHAR NOT NULL,
    epoch_s       DOUBLE,                  -- Unix time of the trace's t = 0, if known
    tick_s        DOUBLE NOT NULL,
    from_s        DOUBLE NOT NULL,
    to_s          DOUBLE NOT NULL,
    scenario_name VARCHAR NOT NULL,
    scenario_hash VARCHAR NOT NULL,
    scenario      JSON NOT NULL,
    policy        VARCHAR NOT NULL,        -- name as typed, parameters included
    policy_spec   JSON NOT NULL,
    code_version  VARCHAR NOT NULL,
    closed_loop   BOOLEAN NOT NULL,
    status        VARCHAR NOT NULL,        -- running | done | interrupted | cancelled | failed
    note          VARCHAR,                 -- why it did not finish
    created_at    TIMESTAMP NOT NULL,
    finished_at   TIMESTAMP,
    wall_s        DOUBLE,
    pools         JSON NOT NULL,           -- list of pool names, in pool order
    scorecard     JSON
);

-- One row a tick and pool. Counts by event time, except arrived and slo_met (by arrival).
CREATE TABLE IF NOT EXISTS ticks (
    run_no         INTEGER NOT NULL,
    tick           INTEGER NOT NULL,
    t_s            DOUBLE NOT NULL,    -- start of the tick, since the trace's start
    pool           SMALLINT NOT NULL,
    arrived        INTEGER NOT NULL,
    slo_met        INTEGER NOT NULL,   -- of those that arrived in this tick
    finished       INTEGER NOT NULL,
    queue_timeouts INTEGER NOT NULL,
    exec_timeouts  INTEGER NOT NULL,
    rejected       INTEGER NOT NULL,
    lost           INTEGER NOT NULL,
    queued         INTEGER NOT NULL,   -- at the end of the tick
    in_service     INTEGER NOT NULL,
    target         INTEGER NOT NULL,
    starting       INTEGER NOT NULL,
    ready          INTEGER NOT NULL,
    draining       INTEGER NOT NULL,
    offered_slot_s DOUBLE NOT NULL,    -- work that arrived, in slot-seconds
    busy_slot_s    DOUBLE NOT NULL,
    starting_slot_s DOUBLE NOT NULL,
    ready_slot_s   DOUBLE NOT NULL,
    draining_slot_s DOUBLE NOT NULL,
    worker_s       DOUBLE NOT NULL,    -- of starting, ready and draining workers
    cost_usd       DOUBLE NOT NULL
);

-- Request latency by tick of arrival, log buckets (engine.sim.histogram).
CREATE TABLE IF NOT EXISTS latency (
    run_no   INTEGER NOT NULL,
    tick     INTEGER NOT NULL,
    pool     SMALLINT NOT NULL,
    bucket   SMALLINT NOT NULL,
    requests INTEGER NOT NULL
);

-- One row a policy evaluation and pool, also when nothing changes.
CREATE TABLE IF NOT EXISTS decisions (
    run_no    INTEGER NOT NULL,
    tick      INTEGER NOT NULL,
    t_s       DOUBLE NOT NULL,
    pool      SMALLINT NOT NULL,
    current   INTEGER NOT NULL,   -- workers asked for before
    proposed  DOUBLE NOT NULL,
    applied   INTEGER NOT NULL,
    reason    VARCHAR NOT NULL,   -- what bound it
    rationale JSON,               -- the policy's own numbers
    guard     JSON,               -- stages that changed something: before, after, reason
    size      VARCHAR,            -- of workers ordered from then on; NULL: none was proposed
    routing   JSON,               -- router and weights; NULL: neither was proposed
    number    INTEGER,            -- of the decision in its run, from 0; NULL: of an older version
    seen      UINTEGER            -- CRC-32 of what the policy saw
);
ALTER TABLE decisions ADD COLUMN IF NOT EXISTS size VARCHAR;
ALTER TABLE decisions ADD COLUMN IF NOT EXISTS routing JSON;
ALTER TABLE decisions ADD COLUMN IF NOT EXISTS number INTEGER;
ALTER TABLE decisions ADD COLUMN IF NOT EXISTS seen UINTEGER;

-- What people said of decisions.
CREATE TABLE IF NOT EXISTS reviews (
    run_no   INTEGER NOT NULL,
    number   INTEGER NOT NULL,    -- of the decision
    reviewer VARCHAR NOT NULL,
    verdict  VARCHAR NOT NULL,    -- agree | disagree | unsure
    tag      VARCHAR NOT NULL,    -- may be empty
    note     VARCHAR NOT NULL,    -- may be empty
    said_at  TIMESTAMP NOT NULL
);

-- One row a tick and place: a node group, or a pool whose workers have machines of their own.
-- Only where the scenario says of machines more than the price of a worker.
CREATE TABLE IF NOT EXISTS accounts (
    run_no         INTEGER NOT NULL,
    tick           INTEGER NOT NULL,
    t_s            DOUBLE NOT NULL,   -- start of the tick, since the trace's start
    place          VARCHAR NOT NULL,  -- name of the node group or of the pool
    is_group       BOOLEAN NOT NULL,
    region         VARCHAR NOT NULL,
    nodes          INTEGER NOT NULL,  -- held in the tick, suspended ones included
    suspended      INTEGER NOT NULL,
    node_s         DOUBLE NOT NULL,
    requested_frac DOUBLE,            -- means over the nodes, NULL without any
    busy_frac      DOUBLE,
    busiest_frac   DOUBLE,            -- of the busiest node
    energy_kwh     DOUBLE,            -- of the site; NULL where the power is not known
    green_kwh      DOUBLE,            -- of that, renewable
    backup_kwh     DOUBLE,            -- of that, from generators
    g_per_kwh      DOUBLE,            -- of what is not renewable
    operational_g  DOUBLE,
    embodied_g     DOUBLE NOT NULL,
    on_demand_usd  DOUBLE,            -- components of the cost; NULL where there is none
    reserved_usd   DOUBLE,
    spot_usd       DOUBLE,
    owned_usd      DOUBLE,
    energy_usd     DOUBLE,
    transfer_usd   DOUBLE,
    fragmentation  DOUBLE,            -- 1 - largest free piece of the nodes over all that is free
    hot_nodes      INTEGER            -- above mean + 2 deviations, or above 90 % for three ticks
);
ALTER TABLE accounts ADD COLUMN IF NOT EXISTS fragmentation DOUBLE;
ALTER TABLE accounts ADD COLUMN IF NOT EXISTS hot_nodes INTEGER;

-- One row a tick and pool: what protects requests, how evenly workers work, the network, what is
-- at stake. Counts by event time.
CREATE TABLE IF NOT EXISTS service (
    run_no          INTEGER NOT NULL,
    tick            INTEGER NOT NULL,
    t_s             DOUBLE NOT NULL,   -- start of the tick, since the trace's start
    pool            SMALLINT NOT NULL,
    retrying        INTEGER NOT NULL,  -- requests that wait to be tried again, at the tick's end
    retried         INTEGER NOT NULL,  -- attempts after the first
    shed            INTEGER NOT NULL,  -- of the rejected: turned away by degradation
    degraded        INTEGER NOT NULL,  -- requests, in their first try that was
    crashed         INTEGER NOT NULL,  -- workers
    start_failed    INTEGER NOT NULL,
    breakers_opened INTEGER NOT NULL,
    hits_worker     INTEGER NOT NULL,  -- requests, by where their prefix was found first: in
    hits_zone       INTEGER NOT NULL,  -- the worker, the zone's cache, the region's store
    hits_store      INTEGER NOT NULL,
    imbalance       DOUBLE,            -- deviation over mean of the workers' busy shares
    busiest_frac    DOUBLE,            -- of the busiest worker
    hot_workers     INTEGER NOT NULL,  -- above mean + 2 deviations, or above 90 % for three ticks
    memory_frac     DOUBLE,            -- NULL where agent types do not say what they use
    breakers_open   INTEGER NOT NULL,  -- at the tick's end
    unreachable_s   DOUBLE NOT NULL,   -- for which the pool was cut off
    transfer_gib    DOUBLE NOT NULL,   -- sent to the callers
    network_s       DOUBLE NOT NULL,   -- round trips of the requests that finished, summed
    at_risk_usd     DOUBLE NOT NULL    -- revenue of the requests that arrived and missed the SLO
);

-- One row a tick of arrival and tenant that had requests in it.
CREATE TABLE IF NOT EXISTS tenants (
    run_no        INTEGER NOT NULL,
    tick          INTEGER NOT NULL,
    t_s           DOUBLE NOT NULL,
    tenant        VARCHAR NOT NULL,
    arrived       INTEGER NOT NULL,
    finished      INTEGER NOT NULL,
    slo_met       INTEGER NOT NULL,
    asked_slot_s  DOUBLE NOT NULL,   -- work that arrived
    served_slot_s DOUBLE NOT NULL,   -- of that, of requests that finished
    latency_s     DOUBLE NOT NULL    -- summed over the finished ones
);

-- What happened to machines; kinds are those of engine.records.EVENTS.
CREATE TABLE IF NOT EXISTS events (
    run_no INTEGER NOT NULL,
    t_s    DOUBLE NOT NULL,
    kind   VARCHAR NOT NULL,
    place  VARCHAR NOT NULL,  -- node group or pool
    number INTEGER NOT NULL,  -- of nodes or workers
    gib    DOUBLE             -- sent over the network for it
);

-- Only where the scenario asks to keep every request.
CREATE TABLE IF NOT EXISTS run_requests (
    run_no    INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    pool      SMALLINT NOT NULL,
    arrival_s DOUBLE NOT NULL,
    start_s   DOUBLE,
    end_s     DOUBLE,
    status    UTINYINT NOT NULL
);

-- Leaderboards of forecasters on the demand of a trace, or of a pool.
CREATE TABLE IF NOT EXISTS evaluations (
    evaluation_id VARCHAR PRIMARY KEY, -- hash of trace, spec and code version
    trace_id      VARCHAR NOT NULL,
    spec          JSON NOT NULL,       -- models, horizons, seeds, origins, step, unit, pool, scenario
    code_version  VARCHAR NOT NULL,
    created_at    TIMESTAMP NOT NULL,
    wall_s        DOUBLE NOT NULL,
    result        JSON NOT NULL
);

-- One setting of a policy on one day or window, for evaluations.
CREATE TABLE IF NOT EXISTS judgements (
    judgement_id VARCHAR PRIMARY KEY, -- hash of case, policy and code version
    case_id      VARCHAR NOT NULL,    -- hash of what arrived and on what cluster
    policy       VARCHAR NOT NULL,
    code_version VARCHAR NOT NULL,
    created_at   TIMESTAMP NOT NULL,
    result       JSON NOT NULL
);

CREATE TABLE IF NOT EXISTS scenarios (
    scenario_hash VARCHAR PRIMARY KEY,
    name          VARCHAR NOT NULL,
    saved_at      TIMESTAMP NOT NULL,
    scenario      JSON NOT NULL
);

-- Scorecards of replays that were made for sweeps; what a run of the same id would say.
CREATE TABLE IF NOT EXISTS trials (
    run_id     VARCHAR PRIMARY KEY,
    scorecard  JSON NOT NULL,      -- figures by key
    wall_s     DOUBLE NOT NULL,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE IF NOT EXISTS sweeps (
    sweep_id   VARCHAR PRIMARY KEY, -- hash of a replay of its plan as it is, and of what is varied
    trace_id   VARCHAR NOT NULL,
    plan       JSON NOT NULL,       -- as it was last asked for
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE IF NOT EXISTS sweep_points (
    sweep_id VARCHAR NOT NULL,
    run_id   VARCHAR NOT NULL,
    number   INTEGER NOT NULL,      -- order in which points were chosen
    policy   VARCHAR NOT NULL,
    settings JSON NOT NULL,         -- values by path, as typed
    PRIMARY KEY (sweep_id, run_id)
);

-- What searches that have ended came to; there is no row of one that was stopped.
CREATE TABLE IF NOT EXISTS tuned (
    sweep_id VARCHAR PRIMARY KEY,
    run_id   VARCHAR NOT NULL,      -- the best one's, on the whole window
    policy   VARCHAR NOT NULL,
    replays  INTEGER NOT NULL
);

-- Priorities that somebody saved under a name of their own.
CREATE TABLE IF NOT EXISTS priorities (
    name     VARCHAR PRIMARY KEY,
    weights  JSON NOT NULL,        -- by field of the scenario's priorities
    saved_at TIMESTAMP NOT NULL
);
