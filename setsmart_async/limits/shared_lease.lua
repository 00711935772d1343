-- The second half of the script; see shared_rule.lua.

-- Who may go when: policy/bucket.py, next_time ------------------------------------------------------------------------

-- What counts as under way; not the probe of the next window as long as it is only planned.
local function under_way()
  local planned = S.probe and S.probe_at > now and S.probe_for == S.announced
  return in_flight - (planned and S.probe_cost or 0)
end

local function available()
  if S.concurrency then return math.max(0, math.max(1, math.floor(S.concurrency)) - under_way()) end
  return math.max(0, value() - under_way())
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
  if S.concurrency then return under_way() + cost <= math.max(cost, math.floor(S.concurrency)) and open or nil end
  if S.ramp > 0 and under_way() >= S.ramp then return nil end
  if available() >= cost then
    local at = trickle_due(held_back)
    if not at and under_way() > 0 then return nil end
    return math.max(open, at or NEVER)
  end
  if S.probe then return nil end
  if S.least and due() then return math.max(open, due()), true end
  if under_way() > 0 then return nil end
  return open, true
end

-- The lease -----------------------------------------------------------------------------------------------------------

local lease = { now = now, born = S.born, count = 0, later = {} }
local wanted = 0
for _, want in ipairs(report.wants) do wanted = wanted + want end
local left_for_me, later_for_me = 0, 0

-- Each who wants something is entitled to an equal part of a window. What others are entitled to is kept for those who
-- are about to ask for it.
local entitled = math.ceil((S.limit or available()) / hungry)
local kept, kept_until = 0, now
for id, client in pairs(S.clients) do
  local soon = client.ask and client.ask > now - 0.25 and client.ask < now + 1
  if id ~= report.client and soon and client.want > 0 and client.got < entitled then
    kept = kept + entitled - client.got
    kept_until = math.max(kept_until, client.ask)
  end
end

local function grant(at, cost, probe)
  if not lease.sequence then
    S.granted = S.granted + 1
    lease.sequence = S.granted
  end
  in_flight, me.held, me.got = in_flight + cost, me.held + cost, me.got + cost
  if not probe or at <= now then S.last_grant = math.max(at, S.last_grant) end
  me.alive_until = math.max(me.alive_until, at + DEAD_AFTER)
  if probe then
    S.probe, S.probe_at, S.probe_cost, S.probe_for = report.client, at, cost, S.announced
    lease.probe_at, lease.probe_cost = at, cost
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
  local usual = math.min(2 * (S.round_trip or 0.02), 0.5) + 0.02
  if S.concurrency then usual = S.round_trip or 0.02 end
  return math.min(math.max(from + usual, now + math.max(0.01, (now - from) / 2)), math.max(from, now) + usual + 1)
end

-- Where a reset brings back a request or two, as with sliding windows and token buckets, those who wait ask by turns.
local function turn()
  if not S.span or not S.limit or not S.refilled or S.refilled >= hungry then return 0 end
  local before = 0
  for id, client in pairs(S.clients) do
    if id ~= report.client and client.want > 0 and (client.ask or now) > now then before = before + 1 end
  end
  return math.min(before * S.span / S.limit, LONGEST_TURN)
end

local function serve(want, held_back)
  local cost = math.min(want, report.least or 1) -- the first who waits may need more than one
  while want > 0 do
    local at, probe = next_time(cost, held_back)
    if not at then return want, patience() + turn() end
    if not probe and at <= now and left_for_me < cost then return want, kept_until + 0.02 end
    if at > now + report.horizon then return want, at - 0.9 * report.horizon end
    if at > now and not probe and (cost > 1 or later_for_me < 1) then return want, at + 0.02 end
    grant(at, cost, probe)
    want, cost = want - cost, 1
  end
  return 0, nil
end

me.ask, me.want = nil, 0
if wanted > 0 then
  if now < S.settle_until then
    me.want, me.ask = wanted, S.settle_until + 0.05 * report.chance
  else
    left_for_me = math.max(entitled - me.got, available() - kept)
    later_for_me = math.max(1, math.floor(available() / hungry))
    for class, want in ipairs(report.wants) do
      local rest, again = serve(want, (class - 1) * TRICKLED_SHARE)
      me.want = me.want + rest
      if again then me.ask = math.min(me.ask or again, again) end
    end
  end
end

local function state()
  if now < S.paused_until then return 'paused' end
  if S.concurrency then return 'unmetered' end
  if S.probe and S.probe_at <= now then return 'probing' end
  if not S.least then return 'cold' end
  return available() > 0 and 'open' or 'exhausted'
end

for _, name in ipairs({ 'limit', 'announced', 'window', 'span', 'lateness', 'clock_low', 'clock_high', 'round_trip' }) do
  lease[name] = S[name]
end
lease.ask, lease.sharers, lease.state, lease.paused_until = me.ask, sharers, state(), S.paused_until
lease.spare = math.max(0, available() - kept)
if report.leaving then
  S.ghosts, S.clients[report.client] = S.ghosts + me.held, nil
end
redis.call('SET', KEYS[1], cmsgpack.pack(S), 'EX', KEPT)
return cmsgpack.pack(lease)
