// A link as /login#lm_… logs in by itself. What stands behind # never reaches a server's log.
"use strict";
const token = decodeURIComponent(location.hash.slice(1));
if (token.startsWith("lm_")) {
  history.replaceState(null, "", location.pathname + location.search);
  document.getElementById("token").value = token;
  document.getElementById("login").requestSubmit();
}
