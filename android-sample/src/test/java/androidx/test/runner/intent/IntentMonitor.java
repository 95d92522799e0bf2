package androidx.test.runner.intent;

/** Stands in for the class of this name that Robolectric asks for. */
public interface IntentMonitor {
}
