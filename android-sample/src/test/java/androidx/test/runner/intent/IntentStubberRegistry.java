package androidx.test.runner.intent;

/** Stands in for the class of this name that Robolectric asks for. */
public final class IntentStubberRegistry {
    private IntentStubberRegistry() {
    }

    public static boolean isLoaded() {
        return false;
    }

    public static IntentStubber getInstance() {
        return null;
    }
}
