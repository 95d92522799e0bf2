package androidx.test.internal.platform;

/** Stands in for the class of this name that Robolectric asks for. */
public interface ThreadChecker {
    void checkMainThread();

    void checkNotMainThread();
}
