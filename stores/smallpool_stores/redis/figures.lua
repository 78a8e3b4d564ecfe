-- Adds to what was counted in one pool, and forgets what is too old once much has gathered.
--
-- KEYS: the hash of the pool. ARGV: how long it is kept (ms), the number of fields from which on it is looked through, the oldest hour
-- of listings, of pages and of sources (whose kinds have a colon) that stays, then fields with their amounts.

for place = 6, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[1], ARGV[place], ARGV[place + 1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
if redis.call('HLEN', KEYS[1]) > tonumber(ARGV[2]) then
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    local kind, hour = string.match(field, '^(.+)%.(%d+)$')
    local oldest = kind == 'listed' and ARGV[3] or string.find(kind, ':', 1, true) and ARGV[5] or ARGV[4]
    if tonumber(hour) < tonumber(oldest) then
      redis.call('HDEL', KEYS[1], field)
    end
  end
end
return 1
