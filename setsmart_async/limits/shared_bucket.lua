-- One API key's quota, shared by many clients: the rule of `policy/bucket.py`, in one script on one key.
--
-- Each call is one client's report: what it holds (always the absolute number, so that a report or an answer that got
-- lost does no harm), what it has observed, and how much it wants. The answer is a lease: permits to use now, permits
-- for later moments (the spread last tokens of a window, and the probe at its reset), and when to ask again.
-- What a client holds counts as in flight. All times are Redis's own, in unix seconds.
--
-- Names of fields are those of `leases.Report`, `leases.Observation` and `leases.Lease`.

local TRICKLED_SHARE, MOST_TRICKLED = 0.05, 10
local LONGEST_PAUSE, FIRST_BACKOFF, LONGEST_BACKOFF = 3600, 1, 60
local FARTHEST, CAUTION, LONG_WINDOW, FIRST_STEP, MOST_LATENESS = 86400, 1, 30, 0.25, 8
local SAME_RELATIVE, SHARP_ENOUGH, TOO_VAGUE, TOO_SHORT_FOR_TICKS, WORTH_A_TOKEN = 1.5, 0.05, 0.15, 2, 0.2
local AIMD_START, AIMD_CUT = 4, 0.7
local NEVER = -1e300
local DEAD_AFTER = 3 -- a client that holds something and is not heard of for so long: its requests are ghosts
local GONE_AFTER = 25 -- one that holds nothing is no longer counted as a sharer
local SETTLING = 1.5 -- after an outage, so long for every client to come back and say what it holds
local SHORT_OUTAGE = 0.25 -- nobody has used a fixed share of a window in so short a time
local KEPT = 90000 -- seconds without any client until all is forgotten; more than the longest window

local report = cmsgpack.unpack(ARGV[1])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local packed = redis.call('GET', KEYS[1])
local S = packed and cmsgpack.unpack(packed) or nil
if S and now < S.now - 1 then S = nil end -- Redis's clock was set back: no time in there means anything

local function is_outage()
  if not S then return report.born ~= nil or (report.degraded or 0) > SHORT_OUTAGE end
  return (report.degraded or 0) > SHORT_OUTAGE and S.now < now - report.degraded
end

local outage = is_outage()
if not S then
  -- Permits are numbered by lease. Beginning at the time keeps them above all numbers of a bucket that was forgotten.
  S = { born = math.floor(now * 1e6), granted = math.floor(now * 1e6), now = now, clients = {}, lateness = 0,
    ghosts = 0, ghosts_before = 0, opened = 0, seen_at = 0, last_grant = NEVER, paused_until = NEVER,
    backoff = FIRST_BACKOFF, ramp = 0, settle_until = NEVER, settle_from = NEVER, expected = 0 }
end
now = math.max(now, S.now)
S.now = now
if outage and now >= S.settle_until then
  S.settle_from, S.settle_until, S.expected = now, now + SETTLING, report.sharers or 1
  S.least, S.before, S.probe = nil, nil, nil
end

-- The lower bound: policy/lower_bound.py ------------------------------------------------------------------------------

local function value()
  if not S.least then return 0 end
  return math.min(S.least, S.before or S.least) - S.ghosts - S.ghosts_before
end

local function reseed(remaining)
  S.least, S.before, S.ghosts, S.ghosts_before, S.opened = remaining, nil, 0, 0, S.granted
end

local function narrow(remaining, sequence)
  if not S.least then
    reseed(remaining)
  elseif sequence > S.opened then
    S.before, S.least, S.opened = S.least, remaining, S.granted
    S.ghosts_before, S.ghosts = S.ghosts, 0
  elseif remaining < S.least then
    S.least = remaining
  end
end

-- The server's clock and the reset: policy/server_clock.py, policy/reset.py -------------------------------------------

local function see(date, sent, completed)
  local lowest, highest = date - completed, date + 1 - sent
  if not S.clock_low or lowest > S.clock_high or highest < S.clock_low then
    S.clock_low, S.clock_high = lowest, highest
  else
    S.clock_low, S.clock_high = math.max(S.clock_low, lowest), math.min(S.clock_high, highest)
  end
end

local function offset() return S.clock_low and (S.clock_low + S.clock_high) / 2 or 0 end
local function uncertainty() return S.clock_low and S.clock_high - S.clock_low or 0 end
local function latest(moment) return moment - (S.clock_low or 0) end
local function earliest(moment) return moment - (S.clock_high or 0) end
local function due() return S.announced and latest(S.announced) + S.lateness end

local function moment_of(o)
  local server_now = o.completed + offset()
  local moment = o.reset
  if not moment and o.reset_after then
    moment = math.ceil(server_now + o.reset_after)
    if S.announced and math.abs(moment - S.announced) <= SAME_RELATIVE then return S.announced end
  end
  if not moment or moment < server_now - 1 or moment > server_now + FARTHEST then return nil end
  return moment
end

local function compare(moment, sequence)
  if not moment then return 'same' end
  if not S.announced then return 'newer' end
  if moment == S.announced then return 'same' end
  return (moment > S.announced or sequence > S.seen_at) and 'newer' or 'older'
end

local function move(moment, sent)
  if S.announced then
    local announced = latest(S.announced)
    if sent < announced + S.lateness then S.lateness = math.max(0, sent - announced) end
    if moment and moment > S.announced then S.window = moment - S.announced end
  elseif moment and not S.window then
    S.lateness = latest(moment) - now >= LONG_WINDOW and CAUTION or 0
  end
  S.announced, S.seen_at = moment, S.granted
end

local function was_early()
  if not S.announced then return end
  local waited = math.max(FIRST_STEP, 2 * S.lateness)
  S.lateness = math.min(math.max(waited, now - latest(S.announced) + FIRST_STEP), MOST_LATENESS)
  if due() <= now then S.announced = nil end
end

local function towards_a_tick(planned, interval)
  if not S.clock_low or uncertainty() <= SHARP_ENOUGH then return 0 end
  local phase = (planned + offset()) % 1
  local shift = phase <= 0.5 and -phase or 1 - phase
  return math.abs(shift) <= interval / 2 and shift or 0
end

local function spread(last, tokens)
  if not S.announced then return last end
  local landing
  if S.lateness > WORTH_A_TOKEN then
    landing = latest(S.announced)
  elseif S.window and S.window < TOO_SHORT_FOR_TICKS and uncertainty() > TOO_VAGUE then
    landing = (earliest(S.announced) + latest(S.announced)) / 2
  end
  if landing and landing > last then return last + (landing - last) / tokens end
  local finish = earliest(S.announced)
  if finish <= last then return nil end
  local interval = (finish - last) / (tokens + 1)
  return last + interval + towards_a_tick(last + interval, interval)
end

-- What was observed: policy/bucket.py, observe and lose ---------------------------------------------------------------

local function pause(until_) S.paused_until = math.max(S.paused_until, until_) end

local function back_off()
  if now >= S.paused_until then
    pause(now + S.backoff * math.max(0.1, report.chance))
    S.backoff = math.min(2 * S.backoff, LONGEST_BACKOFF)
  end
  S.announced = nil
end

local function cut(sequence)
  if S.concurrency and sequence > (S.cut_at or 0) then
    S.concurrency, S.cut_at = math.max(1, S.concurrency * AIMD_CUT), S.granted
  end
end

local function silence(o, count)
  if S.least then
    S.ghosts = S.ghosts + o.cost
  elseif not S.concurrency then
    S.concurrency = AIMD_START
  end
  if o.status == 429 or o.status == 503 then
    if S.concurrency then cut(o.sequence) else S.ramp = 1 end
    if o.status == 429 then back_off() end
  elseif S.concurrency then
    for _ = 1, count do S.concurrency = S.concurrency + 1 / S.concurrency end
    S.backoff = FIRST_BACKOFF
  end
end

local function refused(o, probed, newer)
  S.least, S.ramp = 0, 1
  if o.remaining > 0 or not due() then
    back_off()
  elseif probed and not newer then
    was_early()
  end
end

local function accepted(o, count)
  if S.ramp > 0 then
    S.ramp = S.ramp + count
    if not S.limit or S.ramp > S.limit then S.ramp = 0 end
  end
  if o.remaining > 0 then
    S.backoff = FIRST_BACKOFF
  elseif not due() then
    back_off()
  end
end

local function observe(o)
  local probed = o.probe and S.probe == report.client
  local count = o.count or 1
  if o.date then see(o.date, o.last_sent - report.blur, o.completed + report.blur) end
  if o.retry_after then pause(o.completed + math.min(o.retry_after, LONGEST_PAUSE)) end
  if not o.remaining then return silence(o, count) end
  S.concurrency = nil
  local moment = moment_of(o)
  local order = compare(moment, o.sequence)
  if order == 'older' then return end
  if order == 'newer' then
    move(moment, o.first_sent)
    reseed(o.remaining)
  else
    narrow(o.remaining, o.sequence)
  end
  S.limit = o.limit or S.limit
  if o.status == 429 then refused(o, probed, order == 'newer') else accepted(o, count) end
end

-- What the clients hold -----------------------------------------------------------------------------------------------

local me = S.clients[report.client]
if not me then
  me = { number = 0 }
  S.clients[report.client] = me
end
if report.number <= me.number then return cmsgpack.pack({ overtaken = true }) end -- a report that came too late
me.number, me.seen, me.held, me.want = report.number, now, report.held, 0
me.alive_until = math.max(now, report.latest or 0) + DEAD_AFTER

for id, client in pairs(S.clients) do
  if client.held > 0 and client.alive_until < now then
    S.ghosts, client.held = S.ghosts + client.held, 0
    if S.probe == id then S.probe = nil end
  end
  if client.seen + GONE_AFTER < now then S.clients[id] = nil end
end

local known = report.memory
if known and (report.born ~= S.born or S.settle_until > now) then
  -- Something was forgotten, or used while nobody kept count: what the clients remember can only make it less.
  if known.clock_low and not S.clock_low then S.clock_low, S.clock_high = known.clock_low, known.clock_high end
  if known.announced + 1 >= now + offset() and known.announced >= (S.announced or 0) then
    if known.announced ~= S.announced then S.lateness = known.lateness end
    S.announced, S.limit, S.window = known.announced, S.limit or known.limit, S.window or known.window
    if known.exhausted then narrow(0, 0) end
  end
end
S.ghosts = S.ghosts + (report.lost or 0)
if report.lost then cut(report.lost_sequence) end
for _, o in ipairs(report.observed or {}) do observe(o) end
if S.probe == report.client and not report.probing then S.probe = nil end
if report.round_trip then S.round_trip = 0.8 * (S.round_trip or report.round_trip) + 0.2 * report.round_trip end

local in_flight, sharers, back, pending, others = 0, 0, 0, 0, 0
for id, client in pairs(S.clients) do
  in_flight, sharers = in_flight + client.held, sharers + 1
  if client.seen >= S.settle_from then back = back + 1 end
  if id ~= report.client and client.want > 0 and client.ask and client.ask > now - 0.25 then
    others = others + 1
    if client.ask < now + 0.05 then pending = pending + client.want end
  end
end
if S.settle_until > now and back >= S.expected then S.settle_until = NEVER end

-- Who may go when: policy/bucket.py, next_time ------------------------------------------------------------------------

local function available()
  if S.concurrency then return math.max(0, math.max(1, math.floor(S.concurrency)) - in_flight) end
  return math.max(0, value() - in_flight)
end

local function trickle_due(held_back)
  if not S.limit then return NEVER end
  local few = math.floor(S.limit * held_back)
  if held_back <= TRICKLED_SHARE then few = math.min(few, MOST_TRICKLED) end
  if available() > few then return NEVER end
  return spread(S.last_grant, available())
end

-- The moment of the next permit, and whether it is the probe; nil: an answer must come first.
local function next_time(cost, held_back)
  local open = math.max(now, S.paused_until)
  if S.concurrency then return in_flight + cost <= math.max(cost, math.floor(S.concurrency)) and open or nil end
  if S.ramp > 0 and in_flight >= S.ramp then return nil end
  if available() >= cost then
    local at = trickle_due(held_back)
    if not at and in_flight > 0 then return nil end
    return math.max(open, at or NEVER)
  end
  if S.probe then return nil end
  if S.least and due() then return math.max(open, due()), true end
  if in_flight > 0 then return nil end
  return open, true
end

-- The lease -----------------------------------------------------------------------------------------------------------

local lease = { now = now, born = S.born, count = 0, later = {} }
local wanted = 0
for _, want in ipairs(report.wants) do wanted = wanted + want end
local left_for_me, later_for_me = 0, 0

local function grant(at, cost, probe)
  if not lease.sequence then
    S.granted = S.granted + 1
    lease.sequence = S.granted
  end
  in_flight, me.held = in_flight + cost, me.held + cost
  S.last_grant = math.max(at, S.last_grant)
  me.alive_until = math.max(me.alive_until, at + DEAD_AFTER)
  if probe then
    S.probe, S.probe_at, lease.probe_at = report.client, at, at
    lease.probe_cost = cost
  elseif at <= now then
    lease.count, left_for_me = lease.count + cost, left_for_me - cost
  else
    table.insert(lease.later, at)
    later_for_me = later_for_me - 1
  end
end

-- When to ask again, if nothing else happens: after the answer that is waited for, by the usual round trip.
local function patience()
  local from = S.probe and S.probe_at or S.last_grant
  local usual = 2 * (S.round_trip or 0.02) + 0.02
  if S.concurrency then usual = S.round_trip or 0.02 end
  return math.min(math.max(from + usual, now + math.max(0.01, (now - from) / 2)), math.max(from, now) + usual + 1)
end

local function serve(want, held_back)
  local cost = math.min(want, report.least or 1) -- the first who waits may need more than one
  while want > 0 do
    local at, probe = next_time(cost, held_back)
    if not at then return want, patience() end
    if not probe and at <= now and left_for_me < cost then return want, now + 0.02 end
    if at > now + report.horizon then return want, at - 0.9 * report.horizon end
    if at > now and not probe and (cost > 1 or later_for_me < 1) then return want, at + 0.02 end
    grant(at, cost, probe)
    want, cost = want - cost, 1
  end
  return 0, nil
end

me.ask = nil
if wanted > 0 then
  if now < S.settle_until then
    me.want, me.ask = wanted, S.settle_until + 0.05 * report.chance
  else
    left_for_me = math.max(report.least or 1, math.ceil(available() * wanted / (wanted + pending)))
    later_for_me = math.max(1, math.floor(available() / (1 + others)))
    local unserved = 0
    for class, want in ipairs(report.wants) do
      local rest, again = serve(want, (class - 1) * TRICKLED_SHARE)
      unserved = unserved + rest
      if again then me.ask = math.min(me.ask or again, again) end
    end
    if lease.count == 0 then me.want = unserved end
  end
end

local function state()
  if now < S.paused_until then return 'paused' end
  if S.concurrency then return 'unmetered' end
  if S.probe and S.probe_at <= now then return 'probing' end
  if not S.least then return 'cold' end
  return available() > 0 and 'open' or 'exhausted'
end

for _, name in ipairs({ 'limit', 'announced', 'window', 'lateness', 'clock_low', 'clock_high', 'round_trip' }) do
  lease[name] = S[name]
end
lease.ask, lease.sharers, lease.state, lease.paused_until = me.ask, sharers, state(), S.paused_until
lease.spare = math.max(0, available() - pending)
if report.leaving then S.clients[report.client] = nil end
redis.call('SET', KEYS[1], cmsgpack.pack(S), 'EX', KEPT)
return cmsgpack.pack(lease)
