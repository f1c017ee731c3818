/** What the control page can do without until somebody writes on it, as one file. */
import "./run_forms.js";
import "./typed.js";
