"""What is done to the record of a turn in one stroke: checked and written by the store itself, or not at all.

The keys are those of `core.state`.
"""

NEXT_ORDER = """
local function next_order(key, ttl)
  local now = redis.call('TIME')
  local order = now[1] * 1000000 + now[2]
  order = math.max(order, tonumber(redis.call('GET', key) or '0') + 1)
  redis.call('SET', key, string.format('%.0f', order), 'EX', ttl)
  return string.format('%.0f', order)
end
"""
"""The next number in the order of what is asked for: the clock of the store in microseconds, and more than the last."""

ACCEPT = (
    NEXT_ORDER
    + """
local turn, open, person, spend, order = unpack(KEYS)
local id, json, ttl, now, most, price, cap, due, route = unpack(ARGV)
if redis.call('EXISTS', turn) == 1 then return {'again', 0} end
redis.call('ZREMRANGEBYSCORE', person, '-inf', tonumber(now) - tonumber(ttl))
local waiting = redis.call('ZCARD', person)
if waiting >= tonumber(most) then return {'waiting', waiting} end
local spent = tonumber(redis.call('GET', spend) or '0')
if spent + tonumber(price) > tonumber(cap) then return {'budget', spent} end
redis.call('HSET', turn, 'turn', json, 'reserved', price, 'spend', spend, 'route', route)
redis.call('HSET', turn, 'order', next_order(order, ttl))
redis.call('EXPIRE', turn, ttl)
redis.call('ZADD', open, due, id)
redis.call('EXPIRE', open, ttl)
redis.call('ZADD', person, now, id)
redis.call('EXPIRE', person, ttl)
redis.call('INCRBY', spend, price)
redis.call('EXPIRE', spend, 172800)
return {'new', waiting}
"""
)

END = """
local turn, open, person, lease = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, spent, ttl, how, token = unpack(ARGV)
if redis.call('GET', lease) ~= token then return 0 end
if redis.call('HEXISTS', turn, 'ended') == 1 then return 1 end
local reserved = tonumber(redis.call('HGET', turn, 'reserved') or '0')
local spend = redis.call('HGET', turn, 'spend')
if spend and redis.call('EXISTS', spend) == 1 then redis.call('INCRBY', spend, tonumber(spent) - reserved) end
redis.call('DEL', turn)
redis.call('HSET', turn, 'ended', how)
redis.call('EXPIRE', turn, ttl)
redis.call('ZREM', open, id)
redis.call('ZREM', person, id)
return 1
"""

LEASED = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end\n"
RENEW = LEASED + "return redis.call('PEXPIRE', KEYS[1], ARGV[2])"
RELEASE = LEASED + "return redis.call('DEL', KEYS[1])"
SAVE = LEASED + "redis.call('HSET', KEYS[2], unpack(ARGV, 2)) return 1"
DRAW = """
local turn, stamp_field, before, stamp, field, json = KEYS[1], unpack(ARGV)
if redis.call('HEXISTS', turn, 'turn') == 0 then return 0 end
if (redis.call('HGET', turn, stamp_field) or '') ~= before then return 0 end
redis.call('HSET', turn, stamp_field, stamp, field, json)
return 1
"""
DRAW_LEASED = "if redis.call('GET', KEYS[2]) ~= ARGV[6] then return 0 end\n" + DRAW
_UNPREPARED = """
redis.call('HDEL', turn, 'prepared')
for i = 0, images - 1 do redis.call('HDEL', turn, 'drawing:' .. i, 'stamp:' .. i) end
return 1
"""
ANEW = (
    LEASED
    + """
local turn, reason, images = KEYS[2], ARGV[2], tonumber(ARGV[3])
redis.call('HSET', turn, 'anew', reason)
"""
    + _UNPREPARED
)
MOVE = (
    LEASED
    + """
local turn, route, price, cap, images = KEYS[2], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local more = price - tonumber(redis.call('HGET', turn, 'reserved') or '0')
local spend = redis.call('HGET', turn, 'spend')
if spend and more > 0 and tonumber(redis.call('GET', spend) or '0') + more > cap then return -1 end
if spend and redis.call('EXISTS', spend) == 1 then redis.call('INCRBY', spend, more) end
redis.call('HSET', turn, 'route', route, 'reserved', price)
redis.call('HDEL', turn, 'preparing')
"""
    + _UNPREPARED
)
REVISE = """
if redis.call('HEXISTS', KEYS[1], 'turn') == 0 or redis.call('HEXISTS', KEYS[1], 'preparing') == 1 then return 0 end
redis.call('HSET', KEYS[1], 'turn', ARGV[1])
return 1
"""
CANCEL = """
if redis.call('HEXISTS', KEYS[1], 'turn') == 0 or redis.call('HEXISTS', KEYS[1], 'delivering') == 1 then return 0 end
redis.call('HSET', KEYS[1], 'cancelled', '1')
return 1
"""
