import json, asyncio, pytest
from structlog.testing import capture_logs
from proxy.routes.interactions import NewInteraction
import pydantic_core
async def test_x(run_app, model):
  for g in (dict(prompt="a", metadata={"x":float("nan")}), dict(prompt="\ud800"), dict(prompt="a", metadata={"x":"\ud800"}), dict(prompt="a", metadata={"\ud800":1}),dict(prompt="a", context_pack={"x":10**30})):
    try: print(NewInteraction.model_validate(g).model_dump_json(exclude_unset=True))
    except Exception as e: print(type(e), e)
  d=[]
  for i in range(400): d=[d]
  try: print(NewInteraction.model_validate(dict(prompt="a", metadata={"x":d})).model_dump_json()[-50:])
  except Exception as e: print(type(e), e)
  with capture_logs() as lg:
     async with run_app(vectors={}) as (c, parts):
        for raw in (b'{"prompt":"a","metadata":{"x":NaN}}', b'{"prompt":"a","metadata":{"x":1234567890123456789012345678}}'):
            r = await c.post("/interactions", content=raw, headers={"content-type":"application/json"})
            print((await c.get("/interactions/"+r.json()["id"])).text)
        from proxy.app import create_app
        app = c._transport.app
        for path in ("/v1/chat/completions", "/interactions"):
            msgs = iter([{"type":"http.request","body":b"{","more_body":True},{"type":"http.disconnect"}])
            async def receive(): return next(msgs)
            sent=[]
            async def send(m): sent.append(m)
            try:
                await app({"type":"http","method":"POST","path":path,"raw_path":path.encode(),"headers":[(b"content-length",b"100")],"query_string":b"","scheme":"http","server":("x",1),"client":("y",2),"root_path":"","http_version":"1.1"}, receive, send)
            except BaseException as e:
                print(path, "raised", repr(e))
            print(sent)
  print(lg)
