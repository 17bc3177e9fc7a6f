"""``python -m router.config`` writes the JSON Schema anew; run it when options have changed."""

from router.config.schema import SCHEMA_PATH, schema_text

SCHEMA_PATH.write_text(schema_text(), encoding="utf-8")
