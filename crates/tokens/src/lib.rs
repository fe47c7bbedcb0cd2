//! Record layouts and the fitted tokeniser: values to symbols and offsets, and back.
