"""A web service on FastAPI: homes for visitors, bookings, webhooks in, and a database that is kept up to date.

    pip install 'setsmart_async[sync]' fastapi uvicorn
    export SETSMART_API_KEY=… SETSMART_WEBHOOK_SECRET=whsec_…     # docs/services.md: the same with a sandbox
    uvicorn --app-dir examples service.app:app --timeout-graceful-shutdown 20

`app` is the application; `cache` asks once for many visitors; `background` keeps the database; `settings` says what can
be set. One process syncs; give it `SERVICE_SYNC_EVERY`, and all of them `SETSMART_REDIS_URL`, to run several.
"""
