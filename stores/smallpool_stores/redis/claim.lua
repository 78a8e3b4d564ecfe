-- One round of one page, as `SeenList.claim` promises: everything is read and decided before the first write, so that an error
-- leaves nothing half done.
--
-- KEYS: the seen list, the page, the person's index.
-- ARGV: the request; then for each candidate, best first, its [item_id, spread_key, expires_at] and its payload. msgpack, but
-- for payloads, which are opaque.
-- Returns {rounds, closed, closed_now, short, candidate, payload, candidate, payload, ...}, or -1 for another fingerprint.
--
-- A seen list is an array of runs [at, [item_id, ...]], oldest first. A page is a list: its head, then candidates and payloads.

local ask = cmsgpack.unpack(ARGV[1])

local stored_runs = redis.call('GET', KEYS[1])
local runs = stored_runs and cmsgpack.unpack(stored_runs) or {}
local stored = redis.call('LRANGE', KEYS[2], 0, -1)
local head = stored[1] and cmsgpack.unpack(stored[1])

local is_new = not head or head.ends < ask.now
if is_new then
  stored = {''}
  head = {fingerprint = ask.fingerprint, rounds = 0, closed = false, short = ''}
end

local function reply(closed_now)
  local out = {head.rounds, head.closed and 1 or 0, closed_now and 1 or 0, head.short}
  for place = 2, #stored do
    out[#out + 1] = stored[place]
  end
  return out
end

if head.fingerprint ~= ask.fingerprint then
  return -1
end
if head.closed or head.rounds ~= ask.round then
  return reply(false)
end

local taken, per_key, on_page = {}, {}, 0
for place = 2, #stored, 2 do
  local entry = cmsgpack.unpack(stored[place])
  taken[entry[1]] = true
  per_key[entry[2]] = (per_key[entry[2]] or 0) + 1
  on_page = on_page + 1
end
local held = 0
for _, run in ipairs(runs) do
  held = held + #run[2]
  if not ask.allow_seen then
    for _, item_id in ipairs(run[2]) do
      taken[item_id] = true
    end
  end
end

local added, is_added = {}, {}
for place = 2, #ARGV, 2 do
  if on_page >= ask.n then
    break
  end
  local candidate = cmsgpack.unpack(ARGV[place])
  local item_id, spread_key, expires_at = candidate[1], candidate[2], candidate[3]
  local count = per_key[spread_key] or 0
  if not taken[item_id] and count < ask.cap and not (expires_at and expires_at <= ask.now) then
    taken[item_id], is_added[item_id] = true, true
    per_key[spread_key] = count + 1
    on_page = on_page + 1
    added[#added + 1] = item_id
    stored[#stored + 1] = ARGV[place]
    stored[#stored + 1] = ARGV[place + 1]
  end
end

-- An item served again moves to the newest place; then the oldest go.
local served = {}
for _, run in ipairs(runs) do
  local kept = {}
  for _, item_id in ipairs(run[2]) do
    if is_added[item_id] then
      held = held - 1
    else
      kept[#kept + 1] = item_id
    end
  end
  served[#served + 1] = {run[1], kept}
end
served[#served + 1] = {ask.now, added}
local too_many = held + #added - ask.seen_size
local is_changed = #added > 0 or too_many > 0
local newest = {}
for _, run in ipairs(served) do
  local kept = {}
  for place = math.max(0, too_many) + 1, #run[2] do
    kept[#kept + 1] = run[2][place]
  end
  too_many = too_many - #run[2]
  if #kept > 0 then
    newest[#newest + 1] = {run[1], kept}
  end
end

head.rounds = head.rounds + 1
head.closed = ask.final or on_page >= ask.n
head.short = head.closed and on_page < ask.n and ask.short or ''
head.ends = head.closed and ask.now + ask.closed_kept or ask.open_ends
stored[1] = cmsgpack.pack(head)
local page_ttl = math.max(1, head.ends - ask.now + ask.slack)
local page_gone, seen_gone = ask.now + page_ttl, ask.now + ask.seen_ttl
local packed_runs = cmsgpack.pack(newest)
local before_now = string.format('(%.0f', ask.now)

-- The first write is the one that can fail: it takes room, which a server whose memory is full refuses, and wants a key of its type.
redis.call('ZADD', KEYS[3], page_gone, ask.page_name, seen_gone, ask.seen_name)
redis.call('DEL', KEYS[2])
redis.call('RPUSH', KEYS[2], unpack(stored))
redis.call('PEXPIRE', KEYS[2], page_ttl)
if is_changed and #newest > 0 then
  redis.call('SET', KEYS[1], packed_runs, 'PX', ask.seen_ttl)
elseif is_changed then
  redis.call('DEL', KEYS[1])
end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', before_now)
redis.call('PEXPIRE', KEYS[3], math.max(page_ttl, ask.seen_ttl))
return reply(head.closed)
