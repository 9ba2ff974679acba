//! From residuals to causes, and from causes to money that adds up.
