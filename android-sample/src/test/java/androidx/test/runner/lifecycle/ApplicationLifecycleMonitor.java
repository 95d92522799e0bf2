package androidx.test.runner.lifecycle;

/** Stands in for the class of this name that Robolectric asks for. */
public interface ApplicationLifecycleMonitor {
}
