"""The server: the OpenAI API in front of the serving engine.

The twin answers at the speed that is predicted for a model on chips of the catalog: the scheduler,
the queue and the batches are real, the text is filler.
"""

from warpfive.serving.api import make_app
from warpfive.serving.service import Service
from warpfive.serving.text import Text, load_text
from warpfive.serving.twin import TwinExecutor

__all__ = ["Service", "Text", "TwinExecutor", "load_text", "make_app"]
