"""An MCP server over standard streams that misbehaves as it is told to."""
import json, os, sys, time

log = open(os.environ["MARKS"], "a") if "MARKS" in os.environ else None
mode = sys.argv[1] if len(sys.argv) > 1 else "well"


def mark(text):
    if log:
        log.write(text + "\n")
        log.flush()


def send(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def tool(name, properties):
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"name": name, "description": "does " + name, "inputSchema": schema}


mark("start %d" % os.getpid())
if mode == "dead":
    sys.stderr.write("no such thing as a licence: " + os.environ.get("LICENCE", "") + "\n")
    sys.exit(3)
if mode == "hang":
    time.sleep(600)
if mode == "flood":
    for number in range(20000):
        sys.stderr.write("line %d %s\n" % (number, "x" * 200))
if mode == "garbage":
    sys.stdout.write("hello, this is no JSON\n{\"jsonrpc\": \n\n[1,2]\n")
    sys.stdout.flush()
if mode == "child" and os.fork() == 0:
    mark("child %d" % os.getpid())
    os.setsid()
    time.sleep(600)
    sys.exit(0)

tools = [tool("echoText", {"text": {"type": "string"}}), tool("env", {}), tool("misbehave", {"how": {"type": "string"}})]
for line in sys.stdin:
    request = json.loads(line)
    method, params = request.get("method"), request.get("params") or {}
    if "id" not in request:
        continue
    if method == "initialize":
        send({"id": request["id"], "result": {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {"listChanged": True}},
            "serverInfo": {"name": "misbehaving", "version": "1"}}})
    elif method == "tools/list":
        mark("list")
        send({"id": request["id"], "result": {"tools": tools}})
    elif method == "tools/call":
        arguments = params.get("arguments") or {}
        text, is_error = "", False
        if params["name"] == "echoText":
            text = "echo: " + arguments["text"]
        elif params["name"] == "env":
            text = " ".join(sorted(os.environ))
        elif params["name"] == "late":
            text = "late is here"
        else:
            how = arguments["how"]
            if how == "die":
                os._exit(9)
            if how == "hang":
                time.sleep(600)
            if how == "fail":
                text, is_error = "it did not work", True
            if how == "huge":
                sys.stdout.write("x" * (20 << 20) + "\n")
                text = "after the huge line"
            if how == "change":
                tools.append(tool("late", {}))
                send({"method": "notifications/tools/list_changed"})
                text = "changed"
        send({"id": request["id"], "result": {"content": [{"type": "text", "text": text}], "isError": is_error}})
    else:
        send({"id": request["id"], "error": {"code": -32601, "message": "no " + str(method)}})
mark("end %d" % os.getpid())
