package androidx.test.runner.intent;

/** Stands in for the class of this name that Robolectric asks for. */
public final class IntentMonitorRegistry {
    private IntentMonitorRegistry() {
    }

    public static void registerInstance(IntentMonitor monitor) {
    }
}
