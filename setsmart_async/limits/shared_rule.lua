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
local GONE_AFTER = 50 -- one that holds nothing is no longer counted as a sharer
local SETTLING = 1.5 -- after an outage, so long for every client to come back and say what it holds
local LONGEST_TURN = 10 -- seconds
local KEPT = 90000 -- seconds without any client until all is forgotten; more than the longest window

local report = cmsgpack.unpack(ARGV[1])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local packed = redis.call('GET', KEYS[1])
local S = packed and cmsgpack.unpack(packed) or nil
if S and now < S.now - 1 then S = nil end -- Redis's clock was set back: no time in there means anything

-- Whether clients may have gone on without us: all was forgotten, or nobody has reported since this one could not.
local function is_outage()
  if not report.degraded then return not S and report.born ~= nil end
  return not S or S.now < now - report.degraded
end

local outage = is_outage()
if not S then
  -- Permits are numbered by lease. Beginning at the time keeps them above all numbers of a bucket that was forgotten.
  S = { born = math.floor(now * 1e6), granted = math.floor(now * 1e6), now = now, clients = {}, lateness = 0,
    ghosts = 0, ghosts_before = 0, opened = 0, seen_at = 0, last_grant = NEVER, paused_until = NEVER,
    backoff = FIRST_BACKOFF, ramp = 0, settle_until = NEVER, settle_from = NEVER, stale_until = NEVER,
    expected = 0, expected_at = NEVER }
end
now = math.max(now, S.now)
S.now = now
if outage and now >= S.settle_until then
  S.settle_from, S.settle_until = now, now + SETTLING
  S.expected = math.max(report.sharers or 1, now - S.expected_at < GONE_AFTER and S.expected or 0)
  S.expected_at = now
  S.stale_until = S.settle_until
  S.least, S.before, S.stale_least, S.probe = nil, nil, nil, nil
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
  if moment then S.span = math.max(S.span or 0, moment - o.completed - offset()) end
  local order = compare(moment, o.sequence)
  if order == 'older' then return end
  if order == 'newer' then
    move(moment, o.first_sent)
    S.least, S.before, S.stale_least, S.refilled = nil, nil, nil, o.remaining
    for _, client in pairs(S.clients) do client.got = 0 end
  end
  local is_stale = o.completed - report.blur < S.stale_until -- others may have used more since: it can only be less
  if is_stale and not S.least and o.remaining > 0 then
    S.stale_least = math.min(o.remaining, S.stale_least or o.remaining)
  else
    narrow(math.min(o.remaining, S.stale_least or o.remaining), is_stale and 0 or o.sequence)
  end
  if (o.limit or 0) > 0 then S.limit = o.limit end
  if o.status == 429 then refused(o, probed, order == 'newer') else accepted(o, count) end
end

-- What the clients hold -----------------------------------------------------------------------------------------------

local me = S.clients[report.client]
if not me then
  me = { number = 0, want = 0, got = 0 }
  S.clients[report.client] = me
end
if report.number <= me.number then return cmsgpack.pack({ overtaken = true }) end -- a report that came too late
me.number, me.seen, me.held = report.number, now, report.held
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
    if known.announced ~= S.announced then S.lateness, S.seen_at = known.lateness, S.granted end
    S.announced, S.limit, S.window = known.announced, S.limit or known.limit, S.window or known.window
    if known.exhausted then narrow(0, 0) end
  end
end
S.ghosts = S.ghosts + (report.lost or 0)
if report.lost then cut(report.lost_sequence) end
for _, o in ipairs(report.observed or {}) do observe(o) end
if S.probe == report.client and not report.probing then S.probe = nil end
if report.round_trip then -- one that took long, as the first of a process does, says little
  local before = S.round_trip or report.round_trip
  S.round_trip = before + (report.round_trip < before and 0.5 or 0.1) * (report.round_trip - before)
end

local in_flight, sharers, back, hungry = 0, 0, 0, 1
for id, client in pairs(S.clients) do
  in_flight, sharers = in_flight + client.held, sharers + 1
  if client.seen >= S.settle_from then back = back + 1 end
  if id ~= report.client and client.want + client.got > 0 then hungry = hungry + 1 end
end
if S.settle_until > now and back >= S.expected then S.settle_until, S.stale_until = NEVER, now end
if now - S.expected_at < GONE_AFTER then sharers = math.max(sharers, S.expected) end -- some are not back yet
