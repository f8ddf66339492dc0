"""The official Python client of the protocol, over both ways, against a gateway."""
import asyncio, json, sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def use(session):
    about = await session.initialize()
    listed = await session.list_tools()
    names = [tool.name for tool in listed.tools]
    said = await session.call_tool("agent_run", {"message": "good morning"})
    read = await session.call_tool("messages_read", {"session_key": "agent:main:main"})
    resources = await session.list_resources()
    await session.send_ping()
    info = getattr(about, "serverInfo", None) or about.server_info
    print(json.dumps({
        "server": info.name, "tools": names,
        "said": said.content[0].text, "read": read.content[0].text,
        "resources": [str(resource.uri) for resource in resources.resources]}))


async def over_stdio(program, env):
    parameters = StdioServerParameters(command=program, args=["mcp", "serve"], env=env)
    async with stdio_client(parameters) as (read, write):
        async with ClientSession(read, write) as session:
            await use(session)


async def over_http(url, token):
    headers = {"Authorization": "Bearer " + token}
    try:
        from mcp.client.streamable_http import streamablehttp_client
        opened = streamablehttp_client(url, headers=headers)
    except ImportError:
        import httpx2
        from mcp.client.streamable_http import streamable_http_client
        opened = streamable_http_client(url, http_client=httpx2.AsyncClient(headers=headers))
    async with opened as streams:
        async with ClientSession(streams[0], streams[1]) as session:
            await use(session)


if sys.argv[1] == "stdio":
    asyncio.run(over_stdio(sys.argv[2], json.loads(sys.argv[3])))
else:
    asyncio.run(over_http(sys.argv[2], sys.argv[3]))
