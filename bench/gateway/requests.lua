-- What bench-gateway has wrk send: signed webhooks by turns, each with an id of its own.
--
--   wrk -s requests.lua URL -- FILE LOAD
--
-- FILE has a line for each webhook: its signature, a space, its body. LOAD is what ids begin with, so that none is one of
-- another load. The last line of the output is JSON.

local heads, tails = {}, {}
local sent = 0

function init(arguments)
  -- The id's header is the last, so that it is all that is put in between for each request.
  local head = "POST " .. wrk.path .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] ..
    "\r\nContent-Type: application/json\r\nContent-Length: %d\r\nX-Signature: %s\r\nWebhook-Id: " .. arguments[2] .. "-"
  for line in io.lines(arguments[1]) do
    local signature, body = line:match("^(%x+) (.*)$")
    heads[#heads + 1] = head:format(#body, signature)
    tails[#tails + 1] = "\r\n\r\n" .. body
  end
end

function request()
  sent = sent + 1
  local turn = sent % #heads + 1
  return heads[turn] .. sent .. tails[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"refused":%d,"socket_errors":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
