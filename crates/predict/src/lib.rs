//! Symbol models: static tables and context mixing.
