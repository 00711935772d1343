"""Load against a sandbox: arrivals that wait for no answer, and figures that can be trusted or say that they can't.

`schedule` says when calls are due and `mix` which; `run` makes them and `meter` sees where their time goes; `recorder`
keeps it in histograms; `windows` counts the quota's use; `report`, `text` and `page` tell what came of it; `thresholds`
judges it. `target` makes sure that the server is a sandbox.
"""
