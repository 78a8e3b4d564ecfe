-- What one record of the log adds to one pool's statistics, once: a record at or below the last one of its partition is ignored.
--
-- KEYS: the offsets, the items, the terms, the exposures, the totals, then a key for each hour.
-- ARGV: the addition, msgpack. Scores are log2 of decayed sums, negated, so that the heaviest come first and equal ones by their
-- bytes.
-- Returns 1, or 0 for a record that was applied before.

local add = cmsgpack.unpack(ARGV[1])
local last = redis.call('HGET', KEYS[1], add.partition)
if last and tonumber(last) >= add.offset then
  return 0
end

-- log2(2^left + 2^right), as `forward_decay.log_sum`
local function log_sum(left, right)
  return math.max(left, right) + math.log(1 + 2 ^ -math.abs(left - right)) / math.log(2)
end

local function sums(key, shares)
  local out = {}
  for member, share in pairs(shares) do
    local stored = redis.call('ZSCORE', key, member)
    out[member] = stored and log_sum(-tonumber(stored), share) or share
  end
  return out
end

local items, terms, exposures = sums(KEYS[2], add.items), sums(KEYS[3], add.terms), sums(KEYS[4], add.exposures)
local totals = sums(KEYS[5], add.totals)
for place = 6, #KEYS do
  redis.call('HLEN', KEYS[place])  -- a key of another type is noticed here, before the first write
end
local nothing = string.format('(%.17g', -add.nothing)

local function write(key, scores, most)
  for member, score in pairs(scores) do
    redis.call('ZADD', key, -score, member)
  end
  if next(scores) then
    redis.call('ZREMRANGEBYSCORE', key, nothing, '+inf')
    redis.call('ZREMRANGEBYRANK', key, most, -1)
    redis.call('PEXPIRE', key, add.kept)
  end
end

redis.call('HSET', KEYS[1], add.partition, add.offset)
redis.call('PEXPIRE', KEYS[1], add.kept)
write(KEYS[2], items, add.most_items)
write(KEYS[3], terms, add.most_terms)
write(KEYS[4], exposures, add.most_items)
write(KEYS[5], totals, add.most_items)
for place = 6, #KEYS do
  for member, events in pairs(add.hours[place - 5]) do
    redis.call('HINCRBY', KEYS[place], member, events)
  end
  redis.call('PEXPIRE', KEYS[place], add.hours_kept)
end
return 1
