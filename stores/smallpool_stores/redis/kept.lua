-- What is kept of a user, as of one moment.
--
-- KEYS: strings. Returns each, nil for what is not there.

local found = {}
for place = 1, #KEYS do
  found[place] = redis.call('GET', KEYS[place])
end
return found
