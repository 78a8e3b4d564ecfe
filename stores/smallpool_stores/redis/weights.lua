-- The scores of many members, packed both ways: a client spends more on 250 arguments and 250 replies than Redis on the answer.
--
-- KEYS: rankings. ARGV: the members that are asked of each, msgpack; the last of them for all rankings that follow.
-- Returns their scores as float64, big-endian, ranking by ranking in the same order; NaN for a member that has none.

local asked = {}
for place, packed in ipairs(ARGV) do
  asked[place] = cmsgpack.unpack(packed)
end
local out, at_once = {}, 1000
for place, key in ipairs(KEYS) do
  local members = asked[math.min(place, #asked)]
  for first = 1, #members, at_once do
    local scores = redis.call('ZMSCORE', key, unpack(members, first, math.min(first + at_once - 1, #members)))
    for _, score in ipairs(scores) do
      out[#out + 1] = struct.pack('>d', score and tonumber(score) or 0 / 0)
    end
  end
end
return table.concat(out)
