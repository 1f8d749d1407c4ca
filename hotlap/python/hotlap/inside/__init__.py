"""What runs in the app's interpreter, a script each, and answers with a line of JSON.

They use the standard library alone and are run as files, so that nothing of the lab is on the app's path. They run on
Python 3.9 and later; ``interpreter`` on any, so that one that is too old can be told so.
"""
