"""Labels computed by a quantised teacher that the artifact stores (spec/teacher.md)."""
