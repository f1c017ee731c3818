"""What Greenroom stands on: each port `x.py` says what it promises, `x_<where>.py` keep the promise.

Only this package names SQLite, Redis or S3. `create_app` binds one implementation of each to the handles here; services
import the handles.
"""
